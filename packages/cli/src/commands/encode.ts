import { encodePictures, ORIGINAL_PREPARATIONS, openPictures, type PictureShape } from '@easel/train';
import { openVqgan } from '@easel/vqgan/node';
import { backendOption, startBackend } from '../backend-option.js';
import { defineCommand } from '../command.js';
import { interruptedExitCode, interruptible } from '../interrupt.js';
import { flagOption, integerOption, jsonOption, quietOption, requiredText, textOption } from '../options.js';
import { prepareOutputFolder } from '../output-folder.js';
import { Progress } from '../progress.js';

export const encode = defineCommand({
  name: 'encode',
  usage: '<pictures>',
  description: 'Turn captioned pictures into image tokens, to train on',
  positionals: {
    pictures: {
      type: 'string',
      demandOption: true,
      describe:
        'folder of pictures with a .txt beside each, or with captions.jsonl, captions.csv or captions.tsv; or WebDataset shards, "shards/{0000..0031}.tar"',
    },
  },
  options: {
    vqgan: requiredText('vqgan', 'folder of the VQGAN that makes the tokens'),
    out: requiredText(
      'out',
      'folder of the shards; an encoding that was interrupted goes on where it stopped',
    ),
    captions: textOption(
      'captions',
      'caption list (.jsonl, .csv, .tsv) that is elsewhere or has another name',
    ),
    'allow-damaged': flagOption(
      'of a tar shard that breaks off, take what comes before; it is named in the log',
    ),
    format: textOption('format', 'kind of shards', { choices: ['parquet', 'jsonl'], default: 'parquet' }),
    size: integerOption('size', "side of a picture in pixels; default: the VQGAN's resolution", { min: 1 }),
    fit: textOption(
      'fit',
      'cover: the centre square of a picture; contain: all of it, with a background beside it; the others: the centre square, byte for byte as that program cut it',
      {
        choices: ['cover', 'contain', ...ORIGINAL_PREPARATIONS],
        default: 'cover',
      },
    ),
    background: textOption('background', 'CSS colour below transparent and beside contained pictures', {
      default: '#ffffff',
    }),
    batch: integerOption('batch', 'pictures encoded at a time', { min: 1, default: 16 }),
    'shard-size': integerOption('shard-size', 'pictures in a shard', { min: 1, default: 2048 }),
    backend: backendOption,
    json: jsonOption,
    quiet: quietOption,
  },
  examples: [
    ['easel encode photos --vqgan runs/vqgan/model --out encoded', 'make encoded/shard-00000.parquet and on'],
  ],
  run: (args) =>
    interruptible(async (signal) => {
      await prepareOutputFolder(args.out);
      const source = await openPictures(args.pictures, {
        captions: args.captions,
        allowDamaged: args['allow-damaged'],
      });
      await startBackend(args);
      const vqgan = await openVqgan(args.vqgan);
      const progress = new Progress({
        label: 'encoding',
        total: source.pictures.length,
        unit: 'pictures',
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
          background: args.background ?? '#ffffff',
        },
        signal,
        onProgress: ({ pictures, skipped }) =>
          progress.update(pictures, { note: skipped > 0 ? `${skipped} skipped` : '' }),
      });
      progress.finish();
      vqgan.dispose();
      if (!summary.complete) process.exitCode = interruptedExitCode;
      if (args.json) process.stdout.write(`${JSON.stringify({ out: args.out, ...summary })}\n`);
      else process.stdout.write(`${describe(args.out, summary)}\n`);
    }),
});

type Summary = Awaited<ReturnType<typeof encodePictures>>;

function describe(out: string, summary: Summary): string {
  const { complete, pictures, rows, skipped, uncaptioned, codes, codesUsed, perplexity, skippedLog } =
    summary;
  const parts = [
    `${out}: ${pictures} pictures, ${rows} rows; ${codesUsed} of ${codes} codes in use, perplexity ${perplexity.toFixed(0)}`,
  ];
  if (skipped > 0) parts.push(`${skipped} could not be decoded and are named in ${skippedLog}`);
  if (uncaptioned > 0) parts.push(`${uncaptioned} without a caption were left out`);
  if (!complete) parts.push('not complete: the same command goes on from here');
  return `${parts.join('; ')}.`;
}
