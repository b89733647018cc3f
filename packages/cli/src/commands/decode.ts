import { DataError } from '@easel/core';
import { eventLoopTurn } from '@easel/core/internals';
import { readEncodedSet } from '@easel/train';
import { drawTokens, tokensOfPicture, type VqganConfig } from '@easel/vqgan';
import { backendOption, startBackend } from '../backend-option.js';
import { defineCommand } from '../command.js';
import { interruptible } from '../interrupt.js';
import { loading } from '../loading.js';
import { openResolvedVqgan } from '../model-folder.js';
import { integerOption, jsonOption, overwriteOption, quietOption, textOption } from '../options.js';
import { prepareOutputFolder } from '../output-folder.js';
import { slug, writePicture } from '../picture-file.js';
import { Progress } from '../progress.js';

interface Row {
  readonly caption: string;
  readonly tokens: ArrayLike<number>;
}

/** Reads the rows to draw: those of an encoded set, or one row written as `1,2,3`. */
async function readRows(
  source: string | undefined,
  inline: string | undefined,
  config: VqganConfig,
  { first, count }: { readonly first: number; readonly count: number },
): Promise<Row[]> {
  if ((source === undefined) === (inline === undefined)) {
    throw new DataError('Give either an encoded set, or one row of codes by --tokens 1,2,3.');
  }
  const imageLength = tokensOfPicture(config);
  if (inline !== undefined) {
    const tokens = inline.split(/[\s,]+/).map(Number);
    if (tokens.length !== imageLength) {
      throw new DataError(`--tokens: expected ${imageLength} codes, the VQGAN's grid; got ${tokens.length}.`);
    }
    return [{ caption: 'tokens', tokens }];
  }
  const set = await readEncodedSet(source ?? '', { imageLength, imageVocabSize: config.nEmbed });
  const end = Math.min(set.captions.length, first + count);
  if (first >= end)
    throw new DataError(`--first ${first}: ${source} has ${set.captions.length} rows, counted from 0.`);
  const rows: Row[] = [];
  for (let i = first; i < end; i++) {
    const tokens = set.encodings.subarray(i * imageLength, (i + 1) * imageLength);
    rows.push({ caption: set.captions[i] ?? '', tokens });
  }
  return rows;
}

export const decode = defineCommand({
  name: 'decode',
  usage: '[encoded]',
  description: 'Turn image tokens back into pictures',
  positionals: {
    encoded: { type: 'string', describe: 'encoded set: a folder of shards, or one .parquet or .jsonl file' },
  },
  options: {
    tokens: textOption('tokens', 'one row of codes instead of an encoded set, e.g. 3,14,15'),
    vqgan: textOption('vqgan', "folder of the VQGAN that made the tokens; default: the shipped model's"),
    out: textOption('out', 'folder of the pictures', { default: 'out' }),
    first: integerOption('first', 'first row, counted from 0', { min: 0, default: 0 }),
    count: integerOption('count', 'rows at most', { min: 1, default: 64 }),
    batch: integerOption('batch', 'pictures decoded at a time', { min: 1, default: 8 }),
    overwrite: overwriteOption,
    backend: backendOption,
    json: jsonOption,
    quiet: quietOption,
  },
  examples: [
    [
      'easel decode encoded --vqgan runs/vqgan/model --count 16',
      'see what the tokenizer keeps of 16 pictures',
    ],
  ],
  run: (args) =>
    interruptible(async (signal) => {
      const out = args.out ?? 'out';
      await prepareOutputFolder(out);
      await startBackend(args);
      const vqgan = await loading('loading the VQGAN', { quiet: args.quiet, signal }, (options) =>
        openResolvedVqgan(args.vqgan, { ...options, decoderOnly: true }),
      );
      const first = args.first ?? 0;
      const rows = await readRows(args.encoded, args.tokens, vqgan.config, {
        first,
        count: args.count ?? 64,
      });
      const progress = new Progress({
        label: 'decoding',
        total: rows.length,
        unit: 'pictures',
        quiet: args.quiet,
      });
      const results: { file: string; caption: string; row: number }[] = [];
      const batch = args.batch ?? 8;
      for (let begin = 0; begin < rows.length && !signal.aborted; begin += batch) {
        const some = rows.slice(begin, begin + batch);
        const pictures = await drawTokens(
          vqgan,
          some.map(({ tokens }) => tokens),
        );
        for (const [i, pixels] of pictures.entries()) {
          const caption = some[i]?.caption ?? '';
          const row = first + begin + i;
          const name = `${String(row).padStart(5, '0')}-${slug(caption)}`;
          const file = await writePicture(out, name, pixels, {
            texts: new Map([['Description', caption]]),
            overwrite: args.overwrite,
          });
          results.push({ file, caption, row });
          if (!args.json) process.stdout.write(`${file}\n`);
        }
        progress.update(results.length);
        await eventLoopTurn();
      }
      progress.finish();
      vqgan.dispose();
      if (args.json) process.stdout.write(`${JSON.stringify(results)}\n`);
    }),
});
