import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@easel/core/internals/node';
import { readJsonFile } from '@easel/core/node';
import { escapeHtml } from '../report/curve-plot.js';
import { pageOf } from '../report/page.js';
import type { SweepConfig } from './sweep-config.js';
import { type SweepPlot, sweepPlots } from './sweep-plots.js';
import { type RunRecord, rankSettings } from './sweep-results.js';
import { showNumber, showSetting, tableOf } from './sweep-table.js';

/** Whether a folder holds a sweep. */
export function isSweep(folder: string): Promise<boolean> {
  return access(join(folder, 'sweep.json')).then(
    () => true,
    () => false,
  );
}

/**
 * Reads the settings and results in a sweep's folder, even while the sweep goes on. Throws
 * ConfigError if its files are missing or damaged.
 */
export async function readSweep(
  folder: string,
): Promise<{ readonly config: SweepConfig; readonly records: readonly RunRecord[] }> {
  const { sweep } = (await readJsonFile(join(folder, 'sweep.json'))) as { sweep: SweepConfig };
  const { runs } = (await readJsonFile(join(folder, 'results.json'))) as { runs: RunRecord[] };
  return { config: sweep, records: runs };
}

/**
 * Writes a sweep's page to `path` (default OUT/report.html) and its plots to OUT/plots/*.svg, even
 * while the sweep goes on. Returns the page's path.
 */
export async function writeSweepReport(
  out: string,
  config: SweepConfig,
  records: readonly RunRecord[],
  path = join(out, 'report.html'),
): Promise<string> {
  const plots = await sweepPlots(config, records, join(out, 'runs'));
  await mkdir(join(out, 'plots'), { recursive: true });
  for (const { name, svg } of plots) await writeFileAtomic(join(out, 'plots', `${name}.svg`), svg);
  await writeFileAtomic(path, sweepReport(config, records, plots));
  return path;
}

/**
 * Returns a sweep as one self-contained HTML page. It shows the claim, the ranked settings, the
 * plots and every run.
 */
export function sweepReport(
  config: SweepConfig,
  records: readonly RunRecord[],
  plots: readonly SweepPlot[],
  now = new Date(),
): string {
  const count = (status: RunRecord['status']) => records.filter((record) => record.status === status).length;
  const states = [`${count('done')} of ${records.length} runs done`];
  if (count('failed') > 0) states.push(`${count('failed')} failed`);
  const { heads, rows } = tableOf(config, rankSettings(config, records));
  const { claim, source, metric, goal, take } = config;
  return pageOf(config.title, [
    `<h1>${escapeHtml(config.title)}</h1>`,
    `<p class="sub">${states.join(', ')}; the ${goal} ${escapeHtml(metric)} (${take === 'last' ? 'at the end' : 'the best of a run'}) is best. Report of ${now.toISOString().slice(0, 16).replace('T', ' ')} UTC.</p>`,
    claim === null
      ? ''
      : `<blockquote>${escapeHtml(claim)}${source === null ? '' : `<footer>${escapeHtml(source)}</footer>`}</blockquote>`,
    `<section><h2>Settings</h2>${htmlTable(heads, rows)}</section>`,
    plots.length === 0
      ? ''
      : `<section><h2>Plots</h2><div class="plots wide">${plots.map(({ svg }) => `<figure>${svg}</figure>`).join('')}</div></section>`,
    `<section><h2>Runs</h2><details><summary>${records.length} runs</summary>${runTable(records, metric)}</details></section>`,
  ]);
}

function runTable(records: readonly RunRecord[], metric: string): string {
  const heads = ['run', 'status', metric, 'step', 'seconds', ''];
  const rows = records.map(({ name, status, value, step, seconds, failure }) => [
    name,
    status,
    showNumber(value),
    String(step),
    seconds === null ? '–' : showNumber(seconds),
    failure ?? '',
  ]);
  return htmlTable(heads, rows);
}

function htmlTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(showSetting(cell))}</${tag}>`).join('')}</tr>`;
  return `<table>${line(heads, 'th')}${rows.map((row) => line(row, 'td')).join('')}</table>`;
}
