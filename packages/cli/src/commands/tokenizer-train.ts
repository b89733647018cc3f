import { stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { BpeTokenizer, trainBpe } from '@easel/bart';
import { tokenizerFiles } from '@easel/bart/internals';
import { DataError } from '@easel/core';
import { writeFileAtomic } from '@easel/core/internals/node';
import { readCaptionList } from '@easel/train';
import { archiveKind } from '@easel/train/internals';
import { defineCommand } from '../command.js';
import { flagOption, integerOption, jsonOption, requiredText } from '../options.js';
import { prepareOutputFolder } from '../output-folder.js';
import { openSources, SOURCES, type SourceArguments, sourceOptions } from '../picture-sources.js';
import { readLines } from '../text-file.js';

/**
 * Reads the captions of sources of pictures, of a caption list (.jsonl, .csv, .tsv), or the lines
 * of a text file. The result is never empty. The pictures are not read. Throws DataError if there
 * is nothing to learn from.
 */
export async function readCaptions(paths: readonly string[], args: SourceArguments): Promise<string[]> {
  const captions: string[] = [];
  const pictures: string[] = [];
  for (const path of paths) {
    const extension = extname(path).toLowerCase();
    const isFile = (await stat(path).catch(() => undefined))?.isFile() === true;
    if (['.jsonl', '.csv', '.tsv'].includes(extension)) {
      for await (const { caption } of readCaptionList(path)) if (caption !== '') captions.push(caption);
    } else if (isFile && archiveKind(path) === undefined) captions.push(...(await readLines(path)));
    else pictures.push(path);
  }
  if (pictures.length > 0) {
    const source = await openSources(pictures, args);
    try {
      for await (const picture of source.read({ pictures: false }))
        for (const caption of picture.captions) captions.push(caption);
    } finally {
      await source.close();
    }
  }
  if (captions.length === 0) throw new DataError(`${paths.join(', ')}: no captions in it.`);
  return captions;
}

export const tokenizerTrain = defineCommand({
  name: 'tokenizer train',
  usage: '<sources..>',
  description: 'Learn a byte-level BPE vocabulary from captions',
  positionals: {
    sources: {
      type: 'string',
      array: true,
      demandOption: true,
      describe: `one source or several: a caption list (.jsonl, .csv, .tsv), a text file with one caption a line; ${SOURCES}`,
    },
  },
  options: {
    out: requiredText('out', 'folder for vocab.json, merges.txt and their settings'),
    'vocab-size': integerOption('vocab-size', 'entries wanted, special tokens and 256 bytes included', {
      min: 261,
      default: 2048,
    }),
    'min-frequency': integerOption('min-frequency', 'least count of a pair to be joined', {
      min: 1,
      default: 2,
    }),
    ...sourceOptions,
    'lower-case': flagOption('lower-case captions, and later prompts'),
    'prefix-space': flagOption('put a space before captions, and later prompts, that start without one'),
    json: jsonOption,
  },
  examples: [
    [
      'easel tokenizer train data/emoji/pictures --out runs/tokenizer --lower-case --prefix-space',
      'a tokenizer of 2048 entries',
    ],
  ],
  run: async (args) => {
    await prepareOutputFolder(args.out);
    const captions = await readCaptions(args.sources, args);
    const trained = trainBpe(captions, {
      vocabSize: args['vocab-size'] ?? 2048,
      minFrequency: args['min-frequency'] ?? 2,
      lowerCase: args['lower-case'],
      addPrefixSpace: args['prefix-space'],
    });
    const tokenizer = new BpeTokenizer(trained);
    for (const [name, text] of tokenizerFiles(tokenizer)) await writeFileAtomic(join(args.out, name), text);
    const lengths = captions.map((caption) => tokenizer.encode(caption).length).sort((a, b) => a - b);
    const result = {
      out: args.out,
      captions: captions.length,
      vocabSize: tokenizer.vocab.size,
      meanTokens: lengths.reduce((a, b) => a + b, 0) / lengths.length,
      tokensOf99Percent: lengths[Math.ceil(lengths.length * 0.99) - 1],
      maxTokens: lengths.at(-1),
    };
    process.stdout.write(
      args.json
        ? `${JSON.stringify(result)}\n`
        : `${result.out}: ${result.vocabSize} entries from ${result.captions} captions; a caption has ${result.meanTokens.toFixed(1)} tokens on average, 99 % have at most ${result.tokensOf99Percent}, the longest has ${result.maxTokens} with <s> and </s>.\n`,
    );
  },
});
