import type { GenerationSettings } from '@easel/draw';
import type { JudgedRow } from '@easel/train';
import { alignedLines } from '@easel/train/internals';

const percent = (share: number): string => (100 * share).toFixed(1);

/** Writes a chance with two digits: 0.054, 8.3, 25. */
const chance = (share: number): string => String(Number((100 * share).toPrecision(2)));

/** Returns a judgement as text: a line for each axis, a column for each setting. */
export function judgedTable(rows: readonly JudgedRow[], settings: readonly GenerationSettings[]): string {
  const hasCeiling = rows.some(({ ceiling }) => ceiling !== null);
  const heads = [
    ...['kind', 'split', 'axis', 'prompts', 'chance'],
    ...(hasCeiling ? ['ceiling'] : []),
    ...settings.map(
      ({ conditionScale, temperature, topK }) =>
        `guidance ${conditionScale}, T ${temperature}, top-k ${topK}`,
    ),
  ];
  const lines = rows.map((row) => [
    ...[row.kind, row.split, row.axis, String(row.prompts), chance(row.chance)],
    ...(hasCeiling ? [row.ceiling === null ? '–' : percent(row.ceiling)] : []),
    ...row.results.map(
      ({ right, low, high }) => `${percent(right).padStart(5)} (${percent(low)}–${percent(high)})`,
    ),
  ]);
  return `${alignedLines(heads, lines)}Percent right, with 95 % intervals.\n`;
}
