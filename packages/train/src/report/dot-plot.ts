import { colours, escapeHtml, format, svgFile, ticks } from './curve-plot.js';

/** A row of a dot plot: a name and its values, e.g. one a seed. */
export interface DotRow {
  readonly name: string;
  readonly values: readonly number[];
}

const width = 560;
const right = 14;
const top = 30;
const rowHeight = 18;
const letterWidth = 6.8;
const mostLetters = 44;

/** Rows of dots on one axis as an SVG file: every value a dot, a bar at their mean. Rows without a finite value keep their name alone. */
export function dotPlot(
  rows: readonly DotRow[],
  { title, xLabel }: { title: string; xLabel: string },
): string {
  const finite = rows.flatMap(({ values }) => values.filter(Number.isFinite));
  if (finite.length === 0) return svgFile(`${title}: no finite value`, top, '');
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const room = (high - low) * 0.04 || Math.abs(low) * 0.1 || 1;
  const [min, max] = [low - room, high + room];
  const names = rows.map(({ name }) =>
    name.length > mostLetters ? `${name.slice(0, mostLetters - 1)}…` : name,
  );
  const left = 20 + letterWidth * Math.max(...names.map((name) => name.length));
  const px = (x: number) => left + ((x - min) / (max - min)) * (width - left - right);
  const bottom = top + rows.length * rowHeight;
  const parts: string[] = [];
  for (const tick of ticks(min, max, 5)) {
    const at = px(tick).toFixed(1);
    parts.push(`<line stroke="#eee" x1="${at}" x2="${at}" y1="${top}" y2="${bottom}"/>`);
    parts.push(`<text x="${at}" y="${bottom + 15}" text-anchor="middle">${format(tick)}</text>`);
  }
  for (const [r, { values }] of rows.entries()) {
    const y = top + (r + 0.5) * rowHeight;
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
        `<circle cx="${px(value).toFixed(1)}" cy="${y}" r="3" fill="${colours[0]}" fill-opacity="0.7"/>`,
      );
  }
  parts.push(
    `<text x="${(left + width - right) / 2}" y="${bottom + 32}" text-anchor="middle">${escapeHtml(xLabel)}</text>`,
  );
  return svgFile(title, bottom + 42, parts.join(''));
}
