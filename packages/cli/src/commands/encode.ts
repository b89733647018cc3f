import { describeFailures, encodePictures, type PictureShape } from '@easel/train';
import { ORIGINAL_PREPARATIONS } from '@easel/train/internals';
import { amongRanks } from '../among-ranks.js';
import { backendOption, startBackend } from '../backend-option.js';
import { openCaptionScorer } from '../caption-scorer.js';
import { defineCommand } from '../command.js';
import { interruptedExitCode, interruptible } from '../interrupt.js';
import { loading, PATIENCE_MILLISECONDS } from '../loading.js';
import { openResolvedVqgan } from '../model-folder.js';
import {
  integerOption,
  jsonOption,
  numberOption,
  quietOption,
  requiredText,
  textOption,
} from '../options.js';
import { prepareOutputFolder } from '../output-folder.js';
import { mixOptions, openSources, SOURCES, sourceOptions } from '../picture-sources.js';
import { Progress } from '../progress.js';
import { UsageError } from '../usage-error.js';

export const encode = defineCommand({
  name: 'encode',
  usage: '<pictures..>',
  description: 'Turn captioned pictures into image tokens, to train on',
  positionals: {
    pictures: {
      type: 'string',
      array: true,
      demandOption: true,
      describe: `one source, or several that are mixed: ${SOURCES}`,
    },
  },
  options: {
    vqgan: requiredText('vqgan', 'folder of the VQGAN that makes the tokens'),
    out: requiredText(
      'out',
      'folder of the shards; an encoding that was interrupted goes on where it stopped, one whose pictures were added to or changed encodes those alone, and several processes may work in one folder',
    ),
    ...sourceOptions,
    ...mixOptions,
    format: textOption('format', 'kind of shards', { choices: ['parquet', 'jsonl'], default: 'parquet' }),
    size: integerOption('size', "side of a picture in pixels; default: the VQGAN's resolution", { min: 1 }),
    fit: textOption(
      'fit',
      'cover: a square of a picture; contain: all of it, with a background beside it; the others: the centre square, byte for byte as that program cut it',
      {
        choices: ['cover', 'contain', ...ORIGINAL_PREPARATIONS],
        default: 'cover',
      },
    ),
    crop: textOption('crop', 'with --fit cover: the square in the middle, or one by chance', {
      choices: ['centre', 'random'],
      default: 'centre',
    }),
    'crop-seed': integerOption('crop-seed', 'seed of the random squares', { min: 0, default: 0 }),
    background: textOption('background', 'CSS colour below transparent and beside contained pictures', {
      default: '#ffffff',
    }),
    'min-side': integerOption('min-side', 'leave out pictures whose shorter side has fewer pixels', {
      min: 0,
      default: 0,
    }),
    'max-aspect': numberOption(
      'max-aspect',
      'leave out pictures whose longer side is more than so many times the shorter one; 0: none',
      { min: 0, default: 0 },
    ),
    clip: textOption('clip', 'folder of a CLIP: rows get a clip_score, which training can filter by'),
    batch: integerOption('batch', 'pictures encoded at a time', { min: 1, default: 16 }),
    'shard-size': integerOption('shard-size', 'pictures of the sources in a shard', {
      min: 1,
      default: 2048,
    }),
    'num-shards': integerOption(
      'num-shards',
      'parts that the work is split into, e.g. one for each machine',
      {
        min: 1,
        default: 1,
      },
    ),
    'shard-index': integerOption('shard-index', 'which of the parts to do, counted from 0', {
      min: 0,
      default: 0,
    }),
    'lease-seconds': integerOption(
      'lease-seconds',
      "time after which the shard of another machine that doesn't report is taken over",
      { min: 1, default: 300 },
    ),
    backend: backendOption,
    json: jsonOption,
    quiet: quietOption,
  },
  examples: [
    ['easel encode photos --vqgan runs/vqgan/model --out encoded', 'make encoded/shard-00000.parquet and on'],
    [
      'easel encode "laion/{00000..00331}.tar" --vqgan vqgan --out encoded --min-side 256 --max-aspect 2',
      'tar shards as img2dataset writes them; run it again, or several times at once, and the work is shared',
    ],
    [
      'easel encode photos "data/{0..9}.parquet" --weights 3,1 --vqgan vqgan --out encoded',
      'two sources, three pictures of the first for each of the second',
    ],
    [
      'easel encode photos --vqgan vqgan --out encoded --num-shards 4 --shard-index 2',
      'the third of four machines; put their folders together when all are done',
    ],
    [
      'mpirun -n 4 easel encode photos --vqgan vqgan --out encoded',
      'four processes, on one machine or on several that share the disk',
    ],
  ],
  run: (given) =>
    amongRanks((communicator) => {
      const leads = communicator.rank === 0;
      const args = leads ? given : { ...given, quiet: true };
      const work = async (signal: AbortSignal) => {
        const parts = { index: args['shard-index'] ?? 0, of: args['num-shards'] ?? 1 };
        if (parts.index >= parts.of)
          throw new UsageError(
            `--shard-index: expected a number from 0 to ${parts.of - 1} (--num-shards ${parts.of}), got ${parts.index}.`,
          );
        if (parts.of > 1 && communicator.size > 1)
          throw new UsageError(
            '--num-shards: the ranks that mpirun started share the work already. Leave it out.',
          );
        await prepareOutputFolder(args.out);
        const looking = new Progress({
          label: 'looking through the source',
          unit: 'pictures',
          quiet: args.quiet,
        });
        const source = await openSources(args.pictures, args, { onFound: (found) => looking.update(found) });
        try {
          await startBackend(args);
          const shown = { quiet: args.quiet, signal };
          const vqgan = await loading('loading the VQGAN', shown, (options) =>
            openResolvedVqgan(args.vqgan, options),
          );
          const { clip } = args;
          const scorer =
            clip === undefined
              ? undefined
              : await loading('loading CLIP', shown, (options) => openCaptionScorer(clip, options));
          const progress = new Progress({
            label: 'encoding',
            total: source.length,
            unit: 'pictures',
            startsLate: true,
            quiet: args.quiet,
          });
          const comparing = new Progress({
            label: 'comparing with the set',
            total: source.length,
            unit: 'pictures',
            afterMilliseconds: PATIENCE_MILLISECONDS,
            quiet: args.quiet,
          });
          const summary = await encodePictures(source, {
            vqgan,
            out: args.out,
            format: args.format === 'jsonl' ? 'jsonl' : 'parquet',
            batchSize: args.batch ?? 16,
            picturesPerShard: args['shard-size'] ?? 2048,
            shape: {
              ...(args.size === undefined ? {} : { size: args.size }),
              fit: (args.fit ?? 'cover') as PictureShape['fit'],
              crop: args.crop === 'random' ? 'random' : 'centre',
              cropSeed: args['crop-seed'] ?? 0,
              background: args.background ?? '#ffffff',
              minSide: args['min-side'] ?? 0,
              maxAspect: args['max-aspect'] ?? 0,
            },
            ...(parts.of > 1 && { part: parts }),
            communicator,
            scorer,
            leaseSeconds: args['lease-seconds'] ?? 300,
            signal,
            onCompared: (pictures) => {
              comparing.update(pictures);
              if (pictures === source.length) comparing.finish();
            },
            onProgress: ({ pictures, skipped, waitingFor }) =>
              progress.update(pictures, {
                note: [
                  ...(skipped > 0 ? [`${skipped} skipped`] : []),
                  ...(waitingFor > 0 ? [`waiting for ${waitingFor} shards of other processes`] : []),
                ].join('  '),
              }),
          });
          progress.finish();
          vqgan.dispose();
          scorer?.dispose();
          if (!leads) return;
          if (!summary.partComplete) process.exitCode = interruptedExitCode();
          const text = args.json
            ? JSON.stringify({ out: args.out, ...summary })
            : describe(args.out, summary, parts.of);
          process.stdout.write(`${text}\n`);
        } finally {
          await source.close();
        }
      };
      return interruptible(work, leads ? {} : { message: null });
    }),
});

type Summary = Awaited<ReturnType<typeof encodePictures>>;

/** Says how the pictures differ from those that the set was made of before. */
function describeChanges(changes: NonNullable<Summary['changes']>): string {
  const { added, changed, recaptioned, removed, same } = changes;
  const parts: [number, string][] = [
    [added, 'added'],
    [changed, 'changed'],
    [recaptioned, 'with other captions'],
    [removed, 'removed'],
    [same, 'as they were'],
  ];
  return parts.flatMap(([count, what]) => (count > 0 ? [`${count} ${what}`] : [])).join(', ');
}

function describe(out: string, summary: Summary, parts: number): string {
  const { complete, partComplete, pictures, rows, skipped, failures, skippedLog } = summary;
  const { captionsLost, leftOut, changes } = summary;
  const { codes, codesUsed, perplexity, ownPictures, seconds, picturesPerSecond, computeShare } = summary;
  const lines = [
    `${out}: ${pictures} pictures, ${rows} rows, ${summary.shards.length} shards`,
    `  codes     ${codesUsed} of ${codes} in use, perplexity ${perplexity.toFixed(0)}`,
  ];
  if (ownPictures > 0)
    lines.push(
      `  this run  ${ownPictures} pictures in ${seconds.toFixed(1)} s: ${picturesPerSecond.toPrecision(3)} pictures/s, ${(100 * computeShare).toFixed(1)} % of the time in the model`,
    );
  if (changes !== undefined) lines.push(`  changes   ${describeChanges(changes)}`);
  if (skipped > 0)
    lines.push(
      `  left out  ${skipped} ${skipped === 1 ? 'picture' : 'pictures'}: ${describeFailures(failures)}${captionsLost > 0 ? `, with ${captionsLost} ${captionsLost === 1 ? 'caption' : 'captions'}` : ''}; named in ${skippedLog}`,
    );
  if (Object.keys(leftOut).length > 0)
    lines.push(`  also      ${describeFailures(leftOut)}; named in ${skippedLog}`);
  if (rows > pictures)
    lines.push(
      `  captions  ${(rows / pictures).toFixed(1)} a picture; each line of a .txt is one, with --caption-lines first only the first`,
    );
  if (!complete && partComplete)
    lines.push(
      parts > 1
        ? `  this part is complete; the set is when all ${parts} are in one folder`
        : '  not complete: other processes go on with it',
    );
  if (!partComplete) lines.push('  not complete: the same command goes on from here');
  return lines.join('\n');
}
