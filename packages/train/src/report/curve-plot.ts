/** A line of a plot: its name and points, x rising. */
export interface PlotLine {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface PlotOptions {
  readonly title: string;
  /** A logarithmic y axis, where all values are above 0. */
  readonly logarithmic?: boolean;
}

const width = 560;
const height = 260;
const margin = { left: 62, right: 12, top: 12, bottom: 30 };
/** Wong 2011, colours that the colour-blind tell apart. */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#444444'];
/** More points than pixels tell nothing. */
const maxPoints = 1000;

/** A plot as SVG with a legend. Points that aren't finite break a line. */
export function curvePlot(lines: readonly PlotLine[], { title, logarithmic = false }: PlotOptions): string {
  const finite = lines.flatMap(({ points }) => points.filter(([, y]) => Number.isFinite(y)));
  if (finite.length === 0)
    return `<figure><figcaption>${escapeHtml(title)}: no finite value</figcaption></figure>`;
  const log = logarithmic && finite.every(([, y]) => y > 0);
  const scale = (y: number) => (log ? Math.log10(y) : y);
  const xs = extent(finite.map(([x]) => x));
  const ys = extent(finite.map(([, y]) => scale(y)));
  const px = (x: number) =>
    margin.left + ((x - xs.min) / (xs.max - xs.min)) * (width - margin.left - margin.right);
  const py = (y: number) =>
    height - margin.bottom - ((y - ys.min) / (ys.max - ys.min)) * (height - margin.top - margin.bottom);
  const parts: string[] = [];
  for (const y of ticks(ys.min, ys.max, 5)) {
    const at = py(y).toFixed(1);
    parts.push(`<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${at}" y2="${at}"/>`);
    parts.push(
      `<text x="${margin.left - 6}" y="${at}" dy="0.35em" text-anchor="end">${format(log ? 10 ** y : y)}</text>`,
    );
  }
  for (const x of ticks(xs.min, xs.max, 6)) {
    const at = px(x).toFixed(1);
    parts.push(
      `<line class="grid" y1="${margin.top}" y2="${height - margin.bottom}" x1="${at}" x2="${at}"/>`,
    );
    parts.push(`<text x="${at}" y="${height - margin.bottom + 16}" text-anchor="middle">${format(x)}</text>`);
  }
  for (const [i, { points }] of lines.entries()) {
    let path = '';
    let pen = false;
    for (const [x, y] of thinned(points)) {
      const there = Number.isFinite(y);
      if (there) path += `${pen ? 'L' : 'M'}${px(x).toFixed(1)} ${py(scale(y)).toFixed(1)}`;
      pen = there;
    }
    const colour = colours[i % colours.length];
    parts.push(`<path d="${path}" stroke="${colour}"/>`);
    const [only] = points;
    if (points.length === 1 && only !== undefined && Number.isFinite(only[1]))
      parts.push(
        `<circle cx="${px(only[0]).toFixed(1)}" cy="${py(scale(only[1])).toFixed(1)}" r="3" fill="${colour}"/>`,
      );
  }
  const legend = lines.map(({ name, points }, i) => {
    const last = points.at(-1)?.[1];
    const value = last === undefined ? '' : ` ${format(last)}`;
    return `<span><i style="background:${colours[i % colours.length]}"></i>${escapeHtml(name)}<b>${value}</b></span>`;
  });
  const note = log ? ' <small>(logarithmic)</small>' : '';
  return `<figure><figcaption>${escapeHtml(title)}${note}</figcaption><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">${parts.join('')}</svg><div class="legend">${legend.join('')}</div></figure>`;
}

/** The points, or of too many the least and the greatest of each stretch, so that no peak is lost. */
function thinned(points: PlotLine['points']): PlotLine['points'] {
  if (points.length <= maxPoints) return points;
  const stretch = Math.ceil((2 * points.length) / maxPoints);
  const kept: (readonly [number, number])[] = [];
  for (let start = 0; start < points.length; start += stretch) {
    const part = points.slice(start, start + stretch);
    const least = part.reduce((a, b) => (b[1] < a[1] ? b : a));
    const greatest = part.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(least === greatest ? [least] : [least, greatest].sort((a, b) => a[0] - b[0])));
  }
  return kept;
}

/** Least and greatest; apart even if there is one value only. */
function extent(values: readonly number[]): { min: number; max: number } {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  if (min < max) return { min, max };
  const room = Math.abs(min) * 0.1 || 1;
  return { min: min - room, max: max + room };
}

/** Round numbers within a range, about so many: multiples of 1, 2 or 5 times a power of ten. */
export function ticks(min: number, max: number, about: number): number[] {
  const raw = (max - min) / about;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999) ?? 10) * power;
  const found: number[] = [];
  for (let i = Math.ceil(min / step - 1e-9) + 0; i * step <= max + step * 1e-9; i++) found.push(i * step);
  return found;
}

/** Four digits at most, as short as may be. */
function format(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e5 || (size > 0 && size < 1e-3)) return value.toExponential(1).replace('e+', 'e');
  return String(Number(value.toPrecision(4)));
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
