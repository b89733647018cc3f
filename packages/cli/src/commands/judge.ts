import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openPictureModel } from '@easel/draw/node';
import { drawJudged, judgeDrawings, judgedCaptions, openJudgedPrompts, openPictures } from '@easel/train';
import { backendOption, startBackend } from '../backend-option.js';
import { defineCommand } from '../command.js';
import { interruptible } from '../interrupt.js';
import { loading } from '../loading.js';
import { resolveModelFolder } from '../model-folder.js';
import { integerOption, jsonOption, quietOption, textOption } from '../options.js';
import { captionLinesOf, folderOptions, SOURCES } from '../picture-sources.js';
import { Progress } from '../progress.js';
import { UsageError } from '../usage-error.js';

/** The file of judged prompts in a folder of pictures. */
const PROMPTS = 'prompts.json';

interface JudgeArguments {
  readonly pictures: string;
  readonly captions: string | undefined;
  readonly 'caption-lines'?: string | undefined;
  readonly fit: string | undefined;
  readonly list: string | undefined;
  readonly prompts: number | undefined;
}

/** The prompts of a list where there is one, else the captions of the pictures. */
async function judgedOf({ pictures, captions, fit, list, prompts, ...args }: JudgeArguments) {
  const hasLists = pictures.endsWith('.json') || existsSync(join(pictures, PROMPTS));
  if (hasLists && captions === undefined)
    return {
      skipped: 0,
      ...(await openJudgedPrompts(pictures, { list: list ?? null, count: prompts ?? null })),
    };
  if (list !== undefined)
    throw new UsageError(`--list: ${pictures} has no ${PROMPTS} with lists; its captions are the prompts.`);
  const source = await openPictures({ path: pictures, captions }, { captionLines: captionLinesOf(args) });
  try {
    const judged = await judgedCaptions(source, { fit: fit as 'cover' | 'contain' | undefined });
    return { ...judged, prompts: judged.prompts.slice(0, prompts) };
  } finally {
    await source.close();
  }
}

export const judge = defineCommand({
  name: 'judge',
  usage: '<pictures>',
  description: "Say how many of a model's drawings are nearest to the picture that their prompt asks for",
  positionals: {
    pictures: {
      type: 'string',
      demandOption: true,
      describe: `a file of judged prompts, or a folder with one (prompts.json); else captioned pictures, each caption a prompt: ${SOURCES}`,
    },
  },
  options: {
    model: textOption('model', 'model folder, or run; default: EASEL_MODEL, else the shipped model'),
    list: textOption('list', 'list of the judged prompts; default: the first'),
    prompts: integerOption('prompts', 'only so many, from the first on; default: all', { min: 1 }),
    images: integerOption('images', 'drawings of each prompt', { min: 1, default: 1 }),
    seed: integerOption('seed', 'seed of the drawings', { min: 0, default: 0 }),
    ...folderOptions,
    fit: textOption(
      'fit',
      'captioned pictures. cover: the square in the middle; contain: all of it, with white beside it',
      { choices: ['cover', 'contain'], default: 'cover' },
    ),
    backend: backendOption,
    json: jsonOption,
    quiet: quietOption,
  },
  examples: [
    ['easel judge photos --model models/mine', 'how many captions find their own picture'],
    [
      'easel judge data/emoji/pictures --list unseen --prompts 120',
      'the shipped model on captions that it never saw',
    ],
  ],
  run: (args) =>
    interruptible(async (signal) => {
      const folder = resolveModelFolder(args.model);
      const { name, prompts, gallery, skipped } = await judgedOf(args);
      await startBackend(args);
      const model = await loading('loading the model', { quiet: args.quiet, signal }, (options) =>
        openPictureModel(folder, options),
      );
      const progress = new Progress({ label: 'drawing', unit: 'pictures', quiet: args.quiet });
      const perPrompt = args.images ?? 1;
      try {
        const drawings = await drawJudged(model, prompts, {
          perPrompt,
          seed: args.seed ?? 0,
          signal,
          onProgress: (done, total) => progress.update(done, { total }),
        });
        progress.finish();
        const judgement = judgeDrawings({ name, prompts, gallery }, drawings, perPrompt);
        const counts = { prompts: prompts.length, drawings: drawings.pictures.length, gallery: gallery.size };
        if (args.json) {
          process.stdout.write(
            `${JSON.stringify({ model: folder, list: name, ...counts, skipped, ...judgement })}\n`,
          );
          return;
        }
        if (skipped > 0 && !args.quiet)
          process.stderr.write(`${skipped} pictures can't be decoded and are no part of this.\n`);
        process.stdout.write(
          `${judgement.top1.toFixed(1)} % nearest to their own picture, ${judgement.top5.toFixed(1)} % among the five nearest: ${counts.drawings} drawings of ${counts.prompts} prompts (${name}), ${counts.gallery} pictures; chance ${(100 / counts.gallery).toFixed(2)} %\n`,
        );
      } finally {
        model.dispose();
      }
    }),
});
