import { stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { BpeTokenizer, tokenizerFiles, trainBpe } from '@easel/bart';
import { DataError } from '@easel/core';
import { writeFileAtomic } from '@easel/core/node';
import { openPictureFolder, readCaptionList } from '@easel/train';
import { defineCommand } from '../command.js';
import { flagOption, integerOption, jsonOption, requiredText } from '../options.js';
import { prepareOutputFolder } from '../output-folder.js';
import { readLines } from '../text-file.js';

/**
 * The captions of a picture folder, of a caption list (.jsonl, .csv, .tsv), or the lines of a text file; never empty.
 * Throws DataError if there is nothing to learn from.
 */
export async function readCaptions(path: string): Promise<string[]> {
  if ((await stat(path)).isDirectory()) {
    const { pictures } = await openPictureFolder(path);
    return pictures.flatMap(({ captions }) => captions);
  }
  const captions: string[] = [];
  if (['.jsonl', '.csv', '.tsv'].includes(extname(path).toLowerCase())) {
    for await (const { caption } of readCaptionList(path)) if (caption !== '') captions.push(caption);
  } else captions.push(...(await readLines(path)));
  if (captions.length === 0) throw new DataError(`${path}: no captions in it.`);
  return captions;
}

export const tokenizerTrain = defineCommand({
  name: 'tokenizer train',
  usage: '<captions>',
  description: 'Learn a byte-level BPE vocabulary from captions',
  positionals: {
    captions: {
      type: 'string',
      demandOption: true,
      describe:
        'folder of captioned pictures, caption list (.jsonl, .csv, .tsv), or text file with one caption a line',
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
    const captions = await readCaptions(args.captions);
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
