import { COLOURS, escapeHtml, format, svgFile, ticks } from './curve-plot.js';

/** A row of a dot plot: a name and its values, e.g. one value for each seed. */
export interface DotRow {
  readonly name: string;
  readonly values: readonly number[];
}

const WIDTH = 560;
const RIGHT = 14;
const TOP = 30;
const ROW_HEIGHT = 18;
const LETTER_WIDTH = 6.8;
const MOST_LETTERS = 44;

/**
 * Draws rows of dots on one axis as an SVG file. Each value is a dot, and a bar marks the mean of a
 * row. A row without a finite value shows only its name.
 */
export function dotPlot(
  rows: readonly DotRow[],
  { title, xLabel }: { title: string; xLabel: string },
): string {
  const finite = rows.flatMap(({ values }) => values.filter(Number.isFinite));
  if (finite.length === 0) return svgFile(`${title}: no finite value`, TOP, '');
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const room = (high - low) * 0.04 || Math.abs(low) * 0.1 || 1;
  const [min, max] = [low - room, high + room];
  const names = rows.map(({ name }) =>
    name.length > MOST_LETTERS ? `${name.slice(0, MOST_LETTERS - 1)}…` : name,
  );
  const left = 20 + LETTER_WIDTH * Math.max(...names.map((name) => name.length));
  const px = (x: number) => left + ((x - min) / (max - min)) * (WIDTH - left - RIGHT);
  const bottom = TOP + rows.length * ROW_HEIGHT;
  const parts: string[] = [];
  for (const tick of ticks(min, max, 5)) {
    const at = px(tick).toFixed(1);
    parts.push(`<line stroke="#eee" x1="${at}" x2="${at}" y1="${TOP}" y2="${bottom}"/>`);
    parts.push(`<text x="${at}" y="${bottom + 15}" text-anchor="middle">${format(tick)}</text>`);
  }
  for (const [r, { values }] of rows.entries()) {
    const y = TOP + (r + 0.5) * ROW_HEIGHT;
    parts.push(
      `<text x="${left - 10}" y="${y}" dy="0.35em" text-anchor="end" fill="#222">${escapeHtml(names[r] as string)}</text>`,
    );
    const known = values.filter(Number.isFinite);
    if (known.length === 0) continue;
    const mean = px(known.reduce((sum, value) => sum + value, 0) / known.length).toFixed(1);
    parts.push(
      `<line stroke="#222" stroke-width="2" x1="${mean}" x2="${mean}" y1="${y - 6}" y2="${y + 6}"/>`,
    );
    for (const value of known)
      parts.push(
        `<circle cx="${px(value).toFixed(1)}" cy="${y}" r="3" fill="${COLOURS[0]}" fill-opacity="0.7"/>`,
      );
  }
  parts.push(
    `<text x="${(left + WIDTH - RIGHT) / 2}" y="${bottom + 32}" text-anchor="middle">${escapeHtml(xLabel)}</text>`,
  );
  return svgFile(title, bottom + 42, parts.join(''));
}
