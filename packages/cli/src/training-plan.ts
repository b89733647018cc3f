import {
  describeFailures,
  type MemoryPlan,
  type ParameterGroup,
  type RanksPlan,
  type RunLength,
  type Seq2SeqPlan,
  type TrainingPlan,
  type VqganPlan,
} from '@easel/train';
import { formatSeconds } from './progress.js';

/** Number of rows of the first batch that are printed, and of tokens of each. */
const SHOWN_ROWS = 8;
const SHOWN_TOKENS = 12;

/** A plan of either training. */
export type AnyPlan = Seq2SeqPlan | VqganPlan;

/** Writes a plan for a person. */
export function formatPlan(plan: AnyPlan, pictureFile: string | undefined): string {
  return [
    `Settings\n${JSON.stringify(plan.settings, null, 2)}`,
    `Parameters\n${table(parameterRows(plan.parameters))}`,
    `Memory at its peak\n${memory(plan.memory, plan.availableBytes)}`,
    `Length\n  ${formatLength(plan.length)}`,
    `Time\n${time(plan)}`,
    ...(plan.ranks === undefined ? [] : [`Ranks\n${ranks(plan.ranks)}`]),
    ...('pictures' in plan
      ? [
          `Pictures\n${pictures(plan)}`,
          `First batch, as the model sees it\n${pictureBatch(plan, pictureFile)}`,
        ]
      : [`First batch, as the model reads it\n${batch(plan, pictureFile)}`]),
  ].join('\n\n');
}

/** Returns a plan for a program, as JSON. */
export function planAsJson(plan: AnyPlan, pictureFile: string | undefined): string {
  const { picture: _, ...batch } = plan.batch;
  return JSON.stringify({
    ...plan,
    batch: { ...batch, ...(pictureFile !== undefined && { picture: pictureFile }) },
  });
}

function parameterRows(groups: readonly ParameterGroup[]): string[][] {
  const sum = (field: 'count' | 'trained') => groups.reduce((total, group) => total + group[field], 0);
  const all = { name: 'all', count: sum('count'), trained: sum('trained') };
  return [...groups, all].map(({ name, count, trained }) => [
    name,
    count.toLocaleString('en'),
    trained === count ? '' : `${trained.toLocaleString('en')} trained`,
  ]);
}

function memory(plan: MemoryPlan | undefined, available: number): string {
  if (plan === undefined)
    return '  unknown: only the native backend can be played through. easel doctor says why it is not there.';
  const { weights, gradients, optimizer, activations, process, total } = plan;
  const parts = { weights, gradients, optimizer, 'activations and workspace': activations };
  const rows = Object.entries({ ...parts, 'program and data': process, all: total }).map(([name, bytes]) => [
    name,
    formatBytes(bytes),
  ]);
  const fits = total - process < available ? '' : '; the run does not fit';
  return `${table(rows)}\n  predicted for the native backend; ${formatBytes(available)} are free here${fits}`;
}

/** Says how many updates a run has, and why. */
export function formatLength({ steps, from, epochs }: RunLength): string {
  const updates = `${steps.toLocaleString('en')} ${steps === 1 ? 'update' : 'updates'}`;
  if (epochs === undefined) return `${updates}, as steps says`;
  const passes = `${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`;
  return from === 'epochs'
    ? `${updates} in ${passes}`
    : `${updates} in ${passes}, by default for data of this size; steps or epochs sets another length`;
}

function time({ time, flop, peakFlops, steps }: TrainingPlan): string {
  const work =
    flop === undefined
      ? 'FLOP unknown'
      : `${flop >= 1e12 ? `${(flop / 1e12).toPrecision(3)} T` : `${(flop / 1e9).toPrecision(3)} G`}FLOP an update`;
  const peak = peakFlops === undefined ? '' : `${(peakFlops / 1e9).toFixed(0)} GFLOP/s`;
  if (time === undefined) return `  unknown; ${work}`;
  const { how, updates, secondsPerUpdate, seconds } = time;
  const each = `${secondsPerUpdate.toPrecision(3)} s an update`;
  const all = `${formatSeconds(seconds)} for ${steps} ${steps === 1 ? 'update' : 'updates'}, evaluations and checkpoints not counted`;
  if (how === 'at least') return `  at least ${each}, ${all}\n  ${work} at this machine's peak of ${peak}`;
  const share =
    peakFlops === undefined || flop === undefined
      ? work
      : `${work}: ${((100 * flop) / secondsPerUpdate / peakFlops).toFixed(0)} % of this machine's peak of ${peak}`;
  return `  ${each}, measured over ${updates} on this machine; ${all}\n  ${share}`;
}

function ranks({
  ranks,
  microBatches,
  own,
  sentBytes,
  bytesPerSecond,
  sumSeconds,
  efficiency,
}: RanksPlan): string {
  const lines = [
    `${ranks} ranks; memory and parameters above are those of each, the time is that of one process`,
    `rank 0 computes ${own} of an update's ${microBatches} micro-batches and sends ${formatBytes(sentBytes)}`,
    `sums take ${sumSeconds.toPrecision(3)} s an update, at ${formatBytes(bytesPerSecond)} a second as measured now`,
  ];
  if (efficiency !== undefined)
    lines.push(
      `efficiency ${(100 * efficiency).toFixed(0)} %, predicted for ranks that each compute as fast as this process, and sums that nothing hides`,
    );
  return lines.map((line) => `  ${line}`).join('\n');
}

function batch({ batch: { rows, picture } }: Seq2SeqPlan, pictureFile: string | undefined): string {
  const lines = rows.slice(0, SHOWN_ROWS).map(({ caption, tokens }) => {
    const text = caption === '' ? '(blank)' : JSON.stringify(caption);
    const more = tokens.length > SHOWN_TOKENS ? ` … (${tokens.length} tokens)` : '';
    return [text, `${tokens.slice(0, SHOWN_TOKENS).join(' ')}${more}`];
  });
  const left = rows.length > SHOWN_ROWS ? [`  and ${rows.length - SHOWN_ROWS} more rows`] : [];
  const drawn =
    pictureFile !== undefined
      ? `  its tokens as pictures: ${pictureFile}`
      : picture === undefined
        ? '  no pictures of it: the run has no VQGAN'
        : '  --batch-picture FILE.png writes its tokens as pictures';
  return [table(lines), ...left, drawn].join('\n');
}

function pictures({
  pictures: { training, evaluated, heldOut, failures },
  settings,
  steps,
}: VqganPlan): string {
  const epochs = (steps * Number(settings.batchSize)) / training;
  const rows = [
    ['to train on', `${training.toLocaleString('en')}, ${epochs.toPrecision(3)} times each`],
    ['to evaluate with', `${evaluated.toLocaleString('en')}, ${heldOut ? 'held out' : 'of the same'}`],
    ['left out', describeFailures(failures) || 'none'],
  ];
  return table(rows);
}

function pictureBatch({ batch: { files } }: VqganPlan, pictureFile: string | undefined): string {
  const lines = files.slice(0, SHOWN_ROWS).map((file) => `  ${file}`);
  const left = files.length > SHOWN_ROWS ? [`  and ${files.length - SHOWN_ROWS} more`] : [];
  const drawn =
    pictureFile === undefined
      ? '  --batch-picture FILE.png writes them as the model sees them'
      : `  as pictures: ${pictureFile}`;
  return [...lines, ...left, drawn].join('\n');
}

function formatBytes(bytes: number): string {
  return bytes >= 2 ** 30 ? `${(bytes / 2 ** 30).toFixed(2)} GiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** Aligns rows in columns. Numbers, which begin with a digit, are aligned to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return /^\d/.test(cell) && column === 1 && row.length !== 2
            ? cell.padStart(width)
            : cell.padEnd(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `  ${line}`)
    .join('\n');
}
