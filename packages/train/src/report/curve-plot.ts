/** A line of a plot: its name and its points. The x of joined points must rise. */
export interface PlotLine {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /**
   * Whether the points are joined ('line', the default), marked ('dots'), or both. Colours tell the
   * lines apart.
   */
  readonly marks?: 'line' | 'dots' | 'both';
  /** A few words beside each point. */
  readonly labels?: readonly string[];
  /** Place in the list of colours. By default it is the line's place in the list of lines. */
  readonly colour?: number;
}

export interface PlotOptions {
  readonly title: string;
  /** Whether the y axis is logarithmic. It stays linear unless all values are above 0. */
  readonly logarithmic?: boolean;
  /** Whether the x axis is logarithmic. It stays linear unless all values are above 0. */
  readonly logarithmicX?: boolean;
  /** Titles of the axes. */
  readonly xLabel?: string;
  readonly yLabel?: string;
  /** Ends of the y axis. By default they are those of the values. Points outside are left out. */
  readonly yRange?: readonly [least: number, greatest: number];
}

const WIDTH = 560;
const HEIGHT = 260;
const margin = { left: 62, right: 12, top: 12, bottom: 30 };
/** Colours that colour-blind people can tell apart. Source: Wong 2011. */
export const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#444444'];
/** Most points of a line. More points than pixels show nothing more. */
const MAX_POINTS = 1000;
/** If a logarithmic x axis has at most so many different values, each of them is written out. */
const MAX_OWN_TICKS = 8;

/** Draws a plot as SVG in an HTML figure with a legend. Points that aren't finite break a line. */
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
  return `<figure><figcaption>${title}${note}</figcaption><svg viewBox="0 0 ${WIDTH} ${drawn.height}" role="img" aria-label="${title}">${drawn.inner}</svg><div class="legend">${legend.join('')}</div></figure>`;
}

const TITLE_HEIGHT = 26;
const LEGEND_ROW = 18;
const LETTER_WIDTH = 6.6;

/**
 * Draws the same plot as an SVG file with title and legend in it. Lines of one name share an entry
 * of the legend.
 */
export function plotFile(lines: readonly PlotLine[], options: PlotOptions): string {
  const drawn = drawPlot(lines, options);
  const entries = new Map<string, string>();
  for (const [i, { name }] of lines.entries()) if (name !== '') entries.set(name, colourOf(lines, i));
  const legend: string[] = [];
  let [x, row] = [margin.left, 0];
  for (const [name, colour] of entries.size > 1 ? entries : []) {
    const space = 18 + name.length * LETTER_WIDTH + 14;
    if (x > margin.left && x + space > WIDTH) [x, row] = [margin.left, row + 1];
    const y = TITLE_HEIGHT + (drawn?.height ?? 0) + row * LEGEND_ROW + 10;
    legend.push(
      `<rect x="${x}" y="${y - 8}" width="10" height="10" rx="2" fill="${colour}"/><text x="${x + 15}" y="${y + 1}">${escapeHtml(name)}</text>`,
    );
    x += space;
  }
  const legendHeight = legend.length === 0 ? 4 : (row + 1) * LEGEND_ROW + 6;
  const whole = TITLE_HEIGHT + (drawn?.height ?? 0) + legendHeight;
  const note = drawn?.logarithmic ? ' (logarithmic)' : drawn === null ? ': no finite value' : '';
  return svgFile(
    options.title + note,
    whole,
    `<g transform="translate(0 ${TITLE_HEIGHT})">${drawn?.inner ?? ''}</g>${legend.join('')}`,
  );
}

/** Returns an SVG file with a heading. It is 560 wide and `whole` high. */
export function svgFile(title: string, whole: number, inner: string): string {
  const name = escapeHtml(title);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${whole}" width="${WIDTH}" height="${whole}" role="img" aria-label="${name}" font-family="Helvetica, Arial, sans-serif" font-size="12" fill="#555"><rect width="${WIDTH}" height="${whole}" fill="#fff"/><text x="10" y="18" font-size="13" font-weight="bold" fill="#222">${name}</text>${inner}</svg>\n`;
}

function colourOf(lines: readonly PlotLine[], i: number): string {
  return COLOURS[(lines[i]?.colour ?? i) % COLOURS.length] as string;
}

/** Draws axes, lines and marks, without title and legend. Returns null if no value is finite. */
function drawPlot(
  lines: readonly PlotLine[],
  { logarithmic = false, logarithmicX = false, xLabel, yLabel, yRange }: PlotOptions,
): { readonly inner: string; readonly logarithmic: boolean; readonly height: number } | null {
  const finite = lines.flatMap(({ points }) => points.filter(([, y]) => Number.isFinite(y)));
  if (finite.length === 0) return null;
  const hasDots = lines.some(({ marks = 'line' }) => marks !== 'line');
  const xs = finite.map(([x]) => x);
  const ys = finite.map(([, y]) => y);
  const plot: Plot = {
    x: axisOf(xs, {
      logarithmic: logarithmicX,
      hasDots,
      from: margin.left + (yLabel === undefined ? 0 : 8),
      to: WIDTH - margin.right,
    }),
    y: axisOf(ys, { logarithmic, hasDots, range: yRange, from: HEIGHT - margin.bottom, to: margin.top }),
  };
  const own = [...new Set(xs)];
  const ticksOfX = plot.x.logarithmic && own.length <= MAX_OWN_TICKS ? own : plot.x.ticks(6);
  const marks = lines.flatMap((line, i) => lineOf(line, colourOf(lines, i), plot));
  return {
    inner: [...gridOf(plot, ticksOfX), ...marks, ...labelsOf(plot, xLabel, yLabel)].join(''),
    logarithmic: plot.y.logarithmic,
    height: HEIGHT + (xLabel === undefined ? 0 : 14),
  };
}

/** An axis that runs from one place of the picture to another. */
interface Axis {
  readonly logarithmic: boolean;
  readonly from: number;
  readonly to: number;
  /** Place of a value in the picture. */
  readonly at: (value: number) => number;
  /** Whether a value is between the ends. */
  readonly has: (value: number) => boolean;
  /** Returns about so many round numbers between the ends. */
  readonly ticks: (about: number) => number[];
}

interface Plot {
  readonly x: Axis;
  readonly y: Axis;
}

/**
 * Returns an axis for these values, or from one end of `range` to the other. It is logarithmic only
 * if all values are above 0.
 */
function axisOf(
  values: readonly number[],
  {
    logarithmic,
    hasDots,
    range,
    from,
    to,
  }: {
    readonly logarithmic: boolean;
    readonly hasDots: boolean;
    readonly range?: PlotOptions['yRange'];
    readonly from: number;
    readonly to: number;
  },
): Axis {
  const log = logarithmic && values.every((value) => value > 0);
  const scale = (value: number) => (log ? Math.log10(value) : value);
  const { min, max } =
    range === undefined ? extent(values.map(scale), hasDots) : { min: scale(range[0]), max: scale(range[1]) };
  return {
    logarithmic: log,
    from,
    to,
    at: (value) => from + ((scale(value) - min) / (max - min)) * (to - from),
    has: (value) => Number.isFinite(value) && scale(value) >= min && scale(value) <= max,
    ticks: (about) => (log ? logarithmicTicks(min, max, about) : ticks(min, max, about)),
  };
}

/** Draws the grid lines with their numbers. */
function gridOf({ x, y }: Plot, ticksOfX: readonly number[]): string[] {
  const parts: string[] = [];
  for (const value of y.ticks(5)) {
    const at = y.at(value).toFixed(1);
    parts.push(`<line class="grid" stroke="#eee" x1="${x.from}" x2="${x.to}" y1="${at}" y2="${at}"/>`);
    parts.push(`<text x="${x.from - 6}" y="${at}" dy="0.35em" text-anchor="end">${format(value)}</text>`);
  }
  for (const value of ticksOfX) {
    const at = x.at(value).toFixed(1);
    parts.push(`<line class="grid" stroke="#eee" y1="${y.to}" y2="${y.from}" x1="${at}" x2="${at}"/>`);
    const anchor = x.at(value) > x.to - 8 ? 'end' : 'middle';
    parts.push(`<text x="${at}" y="${y.from + 16}" text-anchor="${anchor}">${format(value)}</text>`);
  }
  return parts;
}

/** Draws one line, its dots and their labels. */
function lineOf({ points, marks = 'line', labels = [] }: PlotLine, colour: string, { x, y }: Plot): string[] {
  const parts: string[] = [];
  if (marks !== 'dots') {
    let path = '';
    let pen = false;
    for (const [px, py] of thinned(points)) {
      const there = y.has(py);
      if (there) path += `${pen ? 'L' : 'M'}${x.at(px).toFixed(1)} ${y.at(py).toFixed(1)}`;
      pen = there;
    }
    parts.push(`<path d="${path}" fill="none" stroke-width="1.5" stroke="${colour}"/>`);
  }
  const dots = marks === 'line' ? (points.length === 1 ? points : []) : points;
  for (const [p, [px, py]] of dots.entries()) {
    if (!y.has(py)) continue;
    const [cx, cy] = [x.at(px).toFixed(1), y.at(py).toFixed(1)];
    parts.push(`<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`);
    const label = labels[p];
    if (label === undefined) continue;
    const atEnd = x.at(px) > WIDTH - 60;
    parts.push(
      `<text x="${Number(cx) + (atEnd ? -6 : 6)}" y="${Number(cy) - 5}"${atEnd ? ' text-anchor="end"' : ''} fill="${colour}">${escapeHtml(label)}</text>`,
    );
  }
  return parts;
}

/** Draws the titles of the axes. */
function labelsOf({ x, y }: Plot, xLabel: string | undefined, yLabel: string | undefined): string[] {
  const parts: string[] = [];
  if (yLabel !== undefined)
    parts.push(
      `<text transform="translate(14 ${(y.from + y.to) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(yLabel)}</text>`,
    );
  if (xLabel !== undefined)
    parts.push(
      `<text x="${(x.from + x.to) / 2}" y="${HEIGHT + 6}" text-anchor="middle">${escapeHtml(xLabel)}</text>`,
    );
  return parts;
}

/**
 * Returns the points. If there are too many, returns the least and the greatest point of each
 * stretch, so that no peak is lost.
 */
function thinned(points: PlotLine['points']): PlotLine['points'] {
  if (points.length <= MAX_POINTS) return points;
  const stretch = Math.ceil((2 * points.length) / MAX_POINTS);
  const kept: (readonly [number, number])[] = [];
  for (let start = 0; start < points.length; start += stretch) {
    const part = points.slice(start, start + stretch);
    const least = part.reduce((a, b) => (b[1] < a[1] ? b : a));
    const greatest = part.reduce((a, b) => (b[1] > a[1] ? b : a));
    kept.push(...(least === greatest ? [least] : [least, greatest].sort((a, b) => a[0] - b[0])));
  }
  return kept;
}

/**
 * Returns the least and the greatest value as the ends of an axis. The ends differ even if there is
 * only one value. With `roomForDots` there is room for a dot at each end.
 */
function extent(values: readonly number[], roomForDots: boolean): { min: number; max: number } {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  const room = min < max ? (roomForDots ? (max - min) * 0.04 : 0) : Math.abs(min) * 0.1 || 1;
  return { min: min - room, max: max + room };
}

/**
 * Returns about so many round numbers within a range. They are multiples of 1, 2 or 5 times a power
 * of ten.
 */
export function ticks(min: number, max: number, about: number): number[] {
  const raw = (max - min) / about;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999) ?? 10) * power;
  const found: number[] = [];
  for (let i = Math.ceil(min / step - 1e-9) + 0; i * step <= max + step * 1e-9; i++) found.push(i * step);
  return found;
}

/**
 * Returns about so many round numbers from 10^min to 10^max. They are powers of ten. If those are
 * too few, they are 1, 2 and 5 times powers of ten. If those are too few as well, they are evenly
 * spaced.
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

/** Returns a number with at most four digits, as short as possible. */
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
