import { join } from 'node:path';
import { type PlotLine, plotFile } from '../report/curve-plot.js';
import { dotPlot } from '../report/dot-plot.js';
import type { SweepConfig } from './sweep-config.js';
import {
  curvesOfRun,
  type RunCurve,
  type RunRecord,
  rankSettings,
  type SettingResult,
} from './sweep-results.js';
import { pathsOf, showSetting } from './sweep-table.js';

/** An SVG file of a sweep, named for its subject. */
export interface SweepPlot {
  readonly name: string;
  readonly svg: string;
}

/** Most lines of one plot. Nobody can tell more lines apart. */
const LINES_OF_PLOT = 7;
/** Most settings in the plot of all settings. With more the plot tells no more than the table. */
const MOST_ROWS = 40;

/** Returns a setting's name in a plot: its variant and its values. */
export function settingName(
  { variant, values }: Pick<SettingResult, 'variant' | 'values'>,
  withVariant = true,
): string {
  const parts = Object.entries(values).map(
    ([path, value]) => `${path.split('.').at(-1)} ${showSetting(value)}`,
  );
  return [...(withVariant && variant !== '' ? [variant] : []), ...parts].join(', ') || 'base';
}

/**
 * Draws the plots of a sweep whose runs are in `folder`: all settings in a row, the metric against
 * each parameter, the metric against the number that `against` names, and the metric's curves.
 */
export async function sweepPlots(
  config: Pick<SweepConfig, 'metric' | 'goal' | 'against'>,
  records: readonly RunRecord[],
  folder: string,
): Promise<SweepPlot[]> {
  const settings = rankSettings(config, records);
  if (settings.length === 0) return [];
  const plots: SweepPlot[] = [];
  if (settings.length > 1) {
    const rows = settings.slice(0, MOST_ROWS).map((setting) => ({
      name: settingName(setting),
      values: setting.runs.flatMap(({ value }) => (value === null ? [] : [value])),
    }));
    const which =
      settings.length > MOST_ROWS ? `the best ${MOST_ROWS} of ${settings.length} settings` : 'all settings';
    plots.push({
      name: 'settings',
      svg: dotPlot(rows, { title: `${config.metric}: ${which}, a dot each run`, xLabel: config.metric }),
    });
  }
  for (const path of pathsOf(settings)) {
    const svg = parameterPlot(config, settings, path);
    if (svg !== null) plots.push({ name: `by-${path}`, svg });
  }
  if (config.against !== null)
    plots.push({ name: 'against', svg: againstPlot(config, config.against, settings) });
  return [...plots, ...(await curvePlots(config, settings, folder))];
}

/**
 * Draws the metric against one parameter. Returns null if the parameter's values aren't numbers or
 * are all the same.
 */
function parameterPlot(
  { metric, goal }: Pick<SweepConfig, 'metric' | 'goal'>,
  settings: readonly SettingResult[],
  path: string,
): string | null {
  const some = settings.filter(({ values, mean }) => typeof values[path] === 'number' && mean !== null);
  const xs = [...new Set(some.map(({ values }) => values[path] as number))];
  if (
    xs.length < 2 ||
    some.length < settings.filter(({ values, mean }) => path in values && mean !== null).length
  )
    return null;
  // A line joins settings that differ only in this parameter. Random draws differ in all
  // parameters.
  const groups = new Map<string, SettingResult[]>();
  for (const setting of some) {
    const others = Object.entries(setting.values).filter(([other]) => other !== path);
    const name = settingName({ variant: setting.variant, values: Object.fromEntries(others) });
    groups.set(name, [...(groups.get(name) ?? []), setting]);
  }
  const joined = groups.size <= LINES_OF_PLOT && [...groups.values()].every((group) => group.length > 1);
  const variants = [...new Set(some.map(({ variant }) => variant))].sort();
  const lines: PlotLine[] = [];
  for (const [g, [name, group]] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).entries()) {
    const dots = group.flatMap(({ values, runs }) =>
      runs.flatMap(({ value }) => (value === null ? [] : [[values[path] as number, value] as const])),
    );
    const [{ variant }] = group as [SettingResult];
    const look = joined
      ? { name: groups.size > 1 ? name : '', colour: g }
      : { name: variant, colour: variants.indexOf(variant) };
    lines.push({ ...look, points: dots, marks: 'dots' });
    const means = group.map(({ values, mean }) => [values[path] as number, mean as number] as const);
    if (joined) lines.push({ ...look, points: means.sort((a, b) => a[0] - b[0]) });
  }
  const all = lines.flatMap(({ points }) => points.map(([, y]) => y));
  const spans = (values: readonly number[]) =>
    Math.max(...values) / Math.min(...values) >= 10 && Math.min(...values) > 0;
  return plotFile(lines, {
    title: `${metric} by ${path}, ${goal} is best`,
    logarithmicX: spans(xs),
    logarithmic: spans(all),
    xLabel: path,
    yLabel: metric,
  });
}

/**
 * Draws the metric against another number. Each variant has a line through its settings in the
 * order of the sweep. The values of a setting stand beside its point.
 */
function againstPlot(
  { metric }: Pick<SweepConfig, 'metric'>,
  against: string,
  settings: readonly SettingResult[],
): string {
  const inOrder = [...settings].sort((a, b) => ((a.runs[0]?.name ?? '') < (b.runs[0]?.name ?? '') ? -1 : 1));
  const lines = [...new Set(inOrder.map(({ variant }) => variant))].map((variant): PlotLine => {
    const own = inOrder.filter((setting) => setting.variant === variant && setting.mean !== null);
    return {
      name: variant,
      points: own.map(({ numbers, mean }) => [numbers[against] ?? Number.NaN, mean as number] as const),
      labels: own.map((setting) => Object.values(setting.values).map(showSetting).join(', ')),
      marks: 'both',
    };
  });
  return plotFile(lines, { title: `${metric} against ${against}`, xLabel: against, yLabel: metric });
}

/**
 * Draws curves of the metric. A curve is the mean of a setting's runs. With several variants one
 * plot shows the best setting of each, and further plots show each variant's settings. Otherwise
 * the plots show all settings, the best first.
 */
async function curvePlots(
  { metric }: Pick<SweepConfig, 'metric'>,
  settings: readonly SettingResult[],
  folder: string,
): Promise<SweepPlot[]> {
  const curves = new Map<SettingResult, RunCurve>();
  for (const setting of settings) {
    const all: RunCurve[] = [];
    for (const { name } of setting.runs) all.push((await curvesOfRun(join(folder, name))).get(metric) ?? []);
    const mean = meanCurve(all);
    if (mean.length > 1) curves.set(setting, mean);
  }
  if (curves.size === 0) return [];
  const ys = [...curves.values()].flatMap((points) => points.map(([, y]) => y));
  const yRange = [Math.min(...ys), Math.max(...ys)] as const;
  const plot = (
    name: string,
    title: string,
    some: readonly SettingResult[],
    withVariant: boolean,
    range: typeof yRange | null = yRange,
  ): SweepPlot => {
    const lines = some.map((setting) => ({
      name: settingName(setting, withVariant),
      points: curves.get(setting) as RunCurve,
    }));
    return {
      name,
      svg: plotFile(lines, {
        title,
        xLabel: 'step',
        yLabel: metric,
        ...(range !== null && { yRange: range }),
      }),
    };
  };
  const drawn = settings.filter((setting) => curves.has(setting));
  const variants = [...new Set(drawn.map(({ variant }) => variant))];
  if (variants.length > 1 && variants.length <= LINES_OF_PLOT && drawn.length > variants.length) {
    const best = variants.map(
      (variant) => drawn.find((setting) => setting.variant === variant) as SettingResult,
    );
    return [
      plot('curves-best', `${metric}: the best setting of each variant`, best, true, null),
      ...variants.flatMap((variant, v) =>
        chunks(drawn.filter((setting) => setting.variant === variant)).map((some, c) =>
          plot(`curves-${v}${c === 0 ? '' : `-${c}`}`, `${metric}: ${variant}`, some, false),
        ),
      ),
    ];
  }
  return chunks(drawn).map((some, c) => {
    const first = c * LINES_OF_PLOT + 1;
    return plot(`curves-${c}`, `${metric}: places ${first} to ${first + some.length - 1}`, some, true);
  });
}

function chunks<T>(all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / LINES_OF_PLOT) }, (_, c) =>
    all.slice(c * LINES_OF_PLOT, (c + 1) * LINES_OF_PLOT),
  );
}

/** Returns the means at the steps that all curves have. */
function meanCurve(curves: readonly RunCurve[]): RunCurve {
  const [first = [], ...others] = curves
    .filter((points) => points.length > 0)
    .map((points) => new Map(points));
  return [...(first as Map<number, number>)].flatMap(([step, value]) => {
    const all = [value, ...others.map((other) => other.get(step) ?? Number.NaN)];
    const mean = all.reduce((sum, one) => sum + one, 0) / all.length;
    return Number.isFinite(mean) ? [[step, mean] as const] : [];
  });
}
