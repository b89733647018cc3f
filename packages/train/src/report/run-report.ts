import { runLength } from '../config/run-length.js';
import { curvePlot, escapeHtml } from './curve-plot.js';
import { pageOf } from './page.js';
import type { Curve, RunRecord } from './read-run.js';

/** Names of numbers that span powers of ten. They get a logarithmic axis. */
const LOGARITHMIC = /norm|learningRate/i;
/** Number of pictures that are shown without a click. They are the newest. */
const OPEN_GRIDS = 2;
/** Number of weights whose norms are drawn. Nobody can tell more lines apart. */
const NORM_LINES = 7;

/**
 * Returns a run as one self-contained HTML page, without network or scripts. Plots are SVG, and
 * pictures are data URLs.
 */
export function runReport(run: RunRecord, now = new Date()): string {
  const { config, newest } = run;
  const kind = String(config.kind ?? 'training');
  const body = [
    `<h1>${escapeHtml(run.name)}</h1>`,
    `<p class="sub">${escapeHtml(kind)} run, ${summary(run)}. Report of ${now.toISOString().slice(0, 16).replace('T', ' ')} UTC.</p>`,
    run.failedBatch === null
      ? ''
      : `<p class="warning">A loss or gradient was not finite; its batch is in <code>${escapeHtml(run.failedBatch)}</code>.</p>`,
    section('Curves', `<div class="plots">${plots(run.curves)}</div>`),
    section(
      'Norms of weights and gradients',
      run.norms.length === 0 ? '' : `<div class="plots">${normPlots(run.norms)}</div>`,
    ),
    section('Pictures', grids(run)),
    section('Checkpoints', checkpoints(run)),
    section('Sittings and environment', run.sittings.map(table).join('')),
    section('Settings', table(flat(config))),
    section('Newest checkpoint', newest === null ? '' : table(flat(newest))),
  ];
  return pageOf(run.name, body);
}

function section(title: string, content: string): string {
  return content === '' ? '' : `<section><h2>${escapeHtml(title)}</h2>${content}</section>`;
}

function summary({ config, curves, newest }: RunRecord): string {
  const step = Math.max(0, ...curves.map(({ points }) => points.at(-1)?.[0] ?? 0));
  const seconds = Number(newest?.seconds ?? 0);
  const time = `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min ${Math.round(seconds % 60)} s`;
  const length = runLength(config);
  return `step ${step}${length === undefined ? '' : ` of ${escapeHtml(length)}`}${newest === null ? '' : `, ${time} of training up to the newest checkpoint`}`;
}

/** Draws a plot for each number. It shows all splits that have the number. */
function plots(curves: readonly Curve[]): string {
  const groups = new Map<string, Curve[]>();
  for (const curve of curves) {
    if (['epoch', 'seconds', 'lossMean'].includes(curve.name)) continue;
    const title =
      curve.name === 'lossBlank' || curve.name === 'lossFirstRow'
        ? `${curve.kind}: loss`
        : /^logits(Real|Fake)$/.test(curve.name)
          ? 'logits of the discriminator'
          : curve.name;
    groups.set(title, [...(groups.get(title) ?? []), curve]);
  }
  return [...groups]
    .map(([title, group]) =>
      curvePlot(
        group.map(({ kind, name, points }) => ({ name: name === title ? kind : name, points })),
        { title, logarithmic: LOGARITHMIC.test(title) },
      ),
    )
    .join('');
}

/** Draws, for each kind, the norms of the weights that have the largest ones. */
function normPlots(norms: readonly Curve[]): string {
  const last = ({ points }: Curve) => points.at(-1)?.[1] ?? 0;
  return [...new Set(norms.map(({ kind }) => kind))]
    .map((kind) => {
      const all = norms.filter((curve) => curve.kind === kind);
      const largest = [...all].sort((a, b) => last(b) - last(a)).slice(0, NORM_LINES);
      const title = `${kind}: the ${largest.length} largest norms of ${all.length}`;
      return curvePlot(largest, { title, logarithmic: true });
    })
    .join('');
}

function grids({ pictures, sampleRows }: RunRecord): string {
  const kinds = [...new Set(pictures.map(({ kind }) => kind))];
  return kinds
    .map((kind) => {
      const own = pictures.filter((picture) => picture.kind === kind).reverse();
      const images = own.map(({ step, png }, i) => {
        const url = `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
        const alt = `${kind} after step ${step}`;
        return `<details${i < OPEN_GRIDS ? ' open' : ''}><summary>step ${step}</summary><img src="${url}" alt="${escapeHtml(alt)}"></details>`;
      });
      const rows =
        kind === 'samples' && sampleRows.length > 0
          ? `<p>Rows: ${sampleRows.map((row) => `“${escapeHtml(row)}”`).join(', ')}</p>`
          : '';
      return `<h3>${escapeHtml(kind)}</h3>${rows}<div class="grids">${images.join('')}</div>`;
    })
    .join('');
}

function checkpoints({ checkpoints, newest }: RunRecord): string {
  const best = newest?.best as { step: number; metric: string; value: number } | null | undefined;
  const rows = checkpoints.map(({ name, bytes, written }) => {
    const isBest = best != null && Number(name.slice(5)) === best.step;
    const note = isBest ? `the best by ${best.metric}: ${best.value}` : '';
    const size = `${(bytes / 2 ** 20).toFixed(1)} MiB`;
    return `<tr><td>${escapeHtml(name)}</td><td>${size}</td><td>${written.toISOString()}</td><td>${escapeHtml(note)}</td></tr>`;
  });
  return rows.length === 0 ? '' : `<table>${rows.join('')}</table>`;
}

function table(values: Readonly<Record<string, unknown>>): string {
  const rows = Object.entries(values).map(
    ([name, value]) =>
      `<tr><td>${escapeHtml(name)}</td><td>${escapeHtml(typeof value === 'string' ? value : JSON.stringify(value))}</td></tr>`,
  );
  return `<table>${rows.join('')}</table>`;
}

/** Flattens nested objects into one. Names are joined by dots. */
function flat(value: Readonly<Record<string, unknown>>, prefix = ''): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner) && Object.keys(inner).length > 0
        ? Object.entries(flat(inner as Record<string, unknown>, `${prefix}${name}.`))
        : [[`${prefix}${name}`, inner]],
    ),
  );
}
