import type { SweepConfig } from './sweep-config.js';
import type { RunRecord, SettingResult } from './sweep-results.js';

type Shown = Pick<SweepConfig, 'metric' | 'columns' | 'seeds'>;

/**
 * Returns the heads and rows of a sweep's closing table. Its rows are the settings, the best first.
 */
export function tableOf(
  { metric, columns, seeds }: Shown,
  settings: readonly SettingResult[],
): { readonly heads: readonly string[]; readonly rows: readonly (readonly string[])[] } {
  const paths = pathsOf(settings);
  const hasVariants = settings.some(({ variant }) => variant !== '');
  const several = seeds.length > 1;
  const failures = settings.some(({ failed }) => failed > 0);
  const heads = [
    '',
    ...(hasVariants ? ['variant'] : []),
    ...paths,
    metric,
    ...(several ? ['spread', 'runs'] : []),
    ...columns,
    'seconds',
    ...(failures ? ['failed'] : []),
  ];
  const rows = settings.map((setting, i) => {
    const { variant, values, mean, spread, runs, numbers, failed } = setting;
    const seconds = runs.flatMap((run) => (run.seconds === null ? [] : [run.seconds]));
    return [
      mean === null ? '–' : String(i + 1),
      ...(hasVariants ? [variant] : []),
      ...paths.map((path) => (path in values ? showSetting(values[path]) : '')),
      showNumber(mean),
      ...(several ? [showNumber(spread), String(runs.length)] : []),
      ...columns.map((column) => showNumber(numbers[column] ?? null)),
      seconds.length === 0 ? '–' : (seconds.reduce((a, b) => a + b, 0) / seconds.length).toFixed(0),
      ...(failures ? [failed === 0 ? '' : String(failed)] : []),
    ];
  });
  return { heads, rows };
}

/** Returns the table as lines of text with aligned columns. */
export function tableText(shown: Shown, settings: readonly SettingResult[]): string {
  const { heads, rows } = tableOf(shown, settings);
  return alignedLines(heads, rows);
}

/** Returns a table as lines of text with aligned columns: those of numbers alone to the right. */
export function alignedLines(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heads, ...rows];
  const widths = heads.map((_, c) => Math.max(...lines.map((line) => (line[c] as string).length)));
  const isNumber = heads.map((_, c) => rows.every((row) => /^[-–\d.e+]*$/.test(row[c] as string)));
  return lines
    .map((line) =>
      line
        .map((cell, c) =>
          isNumber[c] ? cell.padStart(widths[c] as number) : cell.padEnd(widths[c] as number),
        )
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/**
 * Returns a CSV file with one line a run, in the order of the runs: variant, values, seed, status,
 * metric, every number, failure.
 */
export function resultsCsv({ metric }: Pick<SweepConfig, 'metric'>, records: readonly RunRecord[]): string {
  const paths = pathsOf(records);
  const names = [...new Set(records.flatMap(({ numbers }) => Object.keys(numbers)))].sort();
  const heads = ['run', 'variant', ...paths, 'seed', 'status', `metric ${metric}`, ...names, 'failure'];
  const lines = records.map((record) => [
    record.name,
    record.variant,
    ...paths.map((path) => (path in record.values ? showSetting(record.values[path]) : '')),
    record.seed ?? '',
    record.status,
    record.value ?? '',
    ...names.map((name) => record.numbers[name] ?? ''),
    record.failure ?? '',
  ]);
  return [heads, ...lines].map((line) => `${line.map((cell) => csvCell(String(cell))).join(',')}\n`).join('');
}

/** Returns the paths of all parameters, in the order of the sweep's file. */
export function pathsOf(all: readonly { readonly values: Readonly<Record<string, unknown>> }[]): string[] {
  return [...new Set(all.flatMap(({ values }) => Object.keys(values)))];
}

/** Returns a setting's value as a table shows it: texts as they are, anything else as JSON. */
export function showSetting(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * Returns a number with four digits. Whole numbers below a million are written in full. Null and
 * values that aren't finite give '–'.
 */
export function showNumber(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return '–';
  return Number.isInteger(value) && Math.abs(value) < 1e6 ? String(value) : value.toPrecision(4);
}

function csvCell(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
