// Figures of stages, and the table of a recipe.
import { readFile } from 'node:fs/promises';

/**
 * Reads a figure: the field at a dotted path of a JSON file, or of the last line that has it in a
 * file of JSON lines. Returns undefined where there is none.
 */
export async function readFigure({ file, field }) {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const whole = parsed(text);
  if (whole !== undefined) return fieldOf(whole, field);
  return text
    .split('\n')
    .map((line) => fieldOf(parsed(line), field))
    .findLast((value) => value !== undefined);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fieldOf(json, field) {
  let value = json;
  for (const name of field.split('.')) value = value?.[name];
  return value === null || typeof value === 'object' ? undefined : value;
}

const shown = (value) =>
  typeof value === 'number' && !Number.isInteger(value)
    ? Number(value.toPrecision(4)).toString()
    : `${value}`;

/**
 * Returns the table of a recipe's stages: what each does, how it ended, its minutes over all
 * sittings, and its figures.
 */
export function tableOf(rows) {
  const lines = [
    ['stage', 'state', 'minutes', 'figures'],
    ...rows.map(({ name, state, seconds, figures }) => [
      name,
      state,
      seconds === undefined ? '' : (seconds / 60).toFixed(1),
      Object.entries(figures ?? {})
        .map(([what, value]) => `${what} ${shown(value)}`)
        .join(', '),
    ]),
  ];
  const widths = [0, 1, 2].map((i) => Math.max(...lines.map((line) => line[i].length)));
  return lines
    .map(([name, state, minutes, figures]) =>
      `${name.padEnd(widths[0])}  ${state.padEnd(widths[1])}  ${minutes.padStart(widths[2])}  ${figures}`.trimEnd(),
    )
    .join('\n');
}
