/** A line of a plot: its name and points, x rising where they are joined. */
export interface PlotLine {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Joined (the default), marked, or both; dots of one name with those of another are told apart by colour. */
  readonly marks?: 'line' | 'dots' | 'both';
  /** A few words beside each point. */
  readonly labels?: readonly string[];
  /** Place in the list of colours, if not its own in the list of lines. */
  readonly colour?: number;
}

export interface PlotOptions {
  readonly title: string;
  /** A logarithmic y axis, where all values are above 0. */
  readonly logarithmic?: boolean;
  /** A logarithmic x axis, where all values are above 0. */
  readonly logarithmicX?: boolean;
  /** What the axes count. */
  readonly xLabel?: string;
  readonly yLabel?: string;
  /** Ends of the y axis; by default those of the values. What is outside is cut off. */
  readonly yRange?: readonly [least: number, greatest: number];
}

const width = 560;
const height = 260;
const margin = { left: 62, right: 12, top: 12, bottom: 30 };
/** Wong 2011, colours that the colour-blind tell apart. */
export const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#444444'];
/** More points than pixels tell nothing. */
const maxPoints = 1000;
/** So many x values of a logarithmic axis are written out, where there are no more. */
const maxOwnTicks = 8;

/** A plot as SVG in a figure with a legend. Points that aren't finite break a line. */
export function curvePlot(lines: readonly PlotLine[], options: PlotOptions): string {
  const title = escapeHtml(options.title);
  const drawn = drawPlot(lines, options);
  if (drawn === null) return `<figure><figcaption>${title}: no finite value</figcaption></figure>`;
  const legend = lines.map(({ name, points }, i) => {
    const last = points.at(-1)?.[1];
    const value = last === undefined ? '' : ` ${format(last)}`;
    return `<span><i style="background:${colourOf(lines, i)}"></i>${escapeHtml(name)}<b>${value}</b></span>`;
  });
  const note = drawn.logarithmic ? ' <small>(logarithmic)</small>' : '';
  return `<figure><figcaption>${title}${note}</figcaption><svg viewBox="0 0 ${width} ${drawn.height}" role="img" aria-label="${title}">${drawn.inner}</svg><div class="legend">${legend.join('')}</div></figure>`;
}

const titleHeight = 26;
const legendRow = 18;
const letterWidth = 6.6;

/** The same as an SVG file of its own, title and legend in it. Lines of one name share an entry. */
export function plotFile(lines: readonly PlotLine[], options: PlotOptions): string {
  const drawn = drawPlot(lines, options);
  const entries = new Map<string, string>();
  for (const [i, { name }] of lines.entries()) if (name !== '') entries.set(name, colourOf(lines, i));
  const legend: string[] = [];
  let [x, row] = [margin.left, 0];
  for (const [name, colour] of entries.size > 1 ? entries : []) {
    const space = 18 + name.length * letterWidth + 14;
    if (x > margin.left && x + space > width) [x, row] = [margin.left, row + 1];
    const y = titleHeight + (drawn?.height ?? 0) + row * legendRow + 10;
    legend.push(
      `<rect x="${x}" y="${y - 8}" width="10" height="10" rx="2" fill="${colour}"/><text x="${x + 15}" y="${y + 1}">${escapeHtml(name)}</text>`,
    );
    x += space;
  }
  const legendHeight = legend.length === 0 ? 4 : (row + 1) * legendRow + 6;
  const whole = titleHeight + (drawn?.height ?? 0) + legendHeight;
  const note = drawn?.logarithmic ? ' (logarithmic)' : drawn === null ? ': no finite value' : '';
  return svgFile(
    options.title + note,
    whole,
    `<g transform="translate(0 ${titleHeight})">${drawn?.inner ?? ''}</g>${legend.join('')}`,
  );
}

/** An SVG file with a heading, 560 wide. */
export function svgFile(title: string, whole: number, inner: string): string {
  const name = escapeHtml(title);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${whole}" width="${width}" height="${whole}" role="img" aria-label="${name}" font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#555"><rect width="${width}" height="${whole}" fill="#fff"/><text x="10" y="18" font-size="13" font-weight="bold" fill="#222">${name}</text>${inner}</svg>\n`;
}

function colourOf(lines: readonly PlotLine[], i: number): string {
  return colours[(lines[i]?.colour ?? i) % colours.length] as string;
}

/** Axes, lines and marks, without what stands around them; null if no value is finite. */
function drawPlot(
  lines: readonly PlotLine[],
  { logarithmic = false, logarithmicX = false, xLabel, yLabel, yRange }: PlotOptions,
): { readonly inner: string; readonly logarithmic: boolean; readonly height: number } | null {
  const finite = lines.flatMap(({ points }) => points.filter(([, y]) => Number.isFinite(y)));
  if (finite.length === 0) return null;
  const log = logarithmic && finite.every(([, y]) => y > 0);
  const logX = logarithmicX && finite.every(([x]) => x > 0);
  const scale = (y: number) => (log ? Math.log10(y) : y);
  const scaleX = (x: number) => (logX ? Math.log10(x) : x);
  const hasDots = lines.some(({ marks = 'line' }) => marks !== 'line');
  const xs = extent(
    finite.map(([x]) => scaleX(x)),
    hasDots,
  );
  const ys =
    yRange === undefined
      ? extent(
          finite.map(([, y]) => scale(y)),
          hasDots,
        )
      : { min: scale(yRange[0]), max: scale(yRange[1]) };
  const left = margin.left + (yLabel === undefined ? 0 : 8);
  const bottom = height - margin.bottom;
  const px = (x: number) => left + ((scaleX(x) - xs.min) / (xs.max - xs.min)) * (width - left - margin.right);
  const py = (y: number) =>
    bottom - ((scale(y) - ys.min) / (ys.max - ys.min)) * (height - margin.top - margin.bottom);
  const parts: string[] = [];
  for (const value of log ? logarithmicTicks(ys.min, ys.max, 5) : ticks(ys.min, ys.max, 5)) {
    const at = py(value).toFixed(1);
    parts.push(
      `<line class="grid" stroke="#eee" x1="${left}" x2="${width - margin.right}" y1="${at}" y2="${at}"/>`,
    );
    parts.push(`<text x="${left - 6}" y="${at}" dy="0.35em" text-anchor="end">${format(value)}</text>`);
  }
  const own = [...new Set(finite.map(([x]) => x))];
  const values =
    logX && own.length <= maxOwnTicks
      ? own
      : logX
        ? logarithmicTicks(xs.min, xs.max, 6)
        : ticks(xs.min, xs.max, 6);
  for (const x of values) {
    const at = px(x).toFixed(1);
    parts.push(`<line class="grid" stroke="#eee" y1="${margin.top}" y2="${bottom}" x1="${at}" x2="${at}"/>`);
    const anchor = px(x) > width - margin.right - 8 ? 'end' : 'middle';
    parts.push(`<text x="${at}" y="${bottom + 16}" text-anchor="${anchor}">${format(x)}</text>`);
  }
  for (const [i, { points, marks = 'line', labels = [] }] of lines.entries()) {
    const colour = colourOf(lines, i);
    let path = '';
    let pen = false;
    for (const [x, y] of thinned(points)) {
      const there = Number.isFinite(y) && scale(y) <= ys.max && scale(y) >= ys.min;
      if (there) path += `${pen ? 'L' : 'M'}${px(x).toFixed(1)} ${py(y).toFixed(1)}`;
      pen = there;
    }
    if (marks !== 'dots') parts.push(`<path d="${path}" fill="none" stroke-width="1.5" stroke="${colour}"/>`);
    const dots = marks === 'line' ? (points.length === 1 ? points : []) : points;
    for (const [p, [x, y]] of dots.entries()) {
      if (!Number.isFinite(y) || scale(y) > ys.max || scale(y) < ys.min) continue;
      const [cx, cy] = [px(x).toFixed(1), py(y).toFixed(1)];
      parts.push(`<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`);
      const label = labels[p];
      const atEnd = px(x) > width - 60;
      if (label !== undefined)
        parts.push(
          `<text x="${atEnd ? Number(cx) - 6 : Number(cx) + 6}" y="${Number(cy) - 5}"${atEnd ? ' text-anchor="end"' : ''} fill="${colour}">${escapeHtml(label)}</text>`,
        );
    }
  }
  if (yLabel !== undefined)
    parts.push(
      `<text transform="translate(14 ${(margin.top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(yLabel)}</text>`,
    );
  if (xLabel !== undefined)
    parts.push(
      `<text x="${(left + width - margin.right) / 2}" y="${height + 6}" text-anchor="middle">${escapeHtml(xLabel)}</text>`,
    );
  return { inner: parts.join(''), logarithmic: log, height: height + (xLabel === undefined ? 0 : 14) };
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

/** Least and greatest; apart even if there is one value only, and with room for a dot at the ends if need be. */
function extent(values: readonly number[], roomForDots: boolean): { min: number; max: number } {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const room = min < max ? (roomForDots ? (max - min) * 0.04 : 0) : Math.abs(min) * 0.1 || 1;
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

/**
 * Round numbers from 10^min to 10^max, about so many: powers of ten, 1, 2 and 5 times them where those are too few, or, within less than that, evenly spaced
 * ones.
 */
export function logarithmicTicks(min: number, max: number, about: number): number[] {
  const [from, to] = [Math.ceil(min - 1e-9), Math.floor(max + 1e-9)];
  if (to - from + 1 > about + 2)
    return ticks(from, to, about + 1)
      .filter(Number.isInteger)
      .map((power) => 10 ** power);
  for (const factors of [[1], [1, 2, 5]]) {
    const values: number[] = [];
    for (let power = Math.floor(min); power <= to; power++)
      for (const factor of factors) values.push(factor * 10 ** power);
    const inside = values.filter((value) => value >= 10 ** (min - 1e-9) && value <= 10 ** (max + 1e-9));
    if (inside.length >= 3) return inside;
  }
  return ticks(10 ** min, 10 ** max, about);
}

/** Four digits at most, as short as may be. */
export function format(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e5 || (size > 0 && size < 1e-3))
    return value.toExponential(1).replace('.0e', 'e').replace('e+', 'e');
  return String(Number(value.toPrecision(4)));
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
