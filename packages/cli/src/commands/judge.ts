import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { GenerationSettings } from '@easel/draw';
import { openPictureModel } from '@easel/draw/node';
import {
  drawJudged,
  type JudgedSet,
  type JudgeResult,
  judgeDrawings,
  judgedCaptions,
  judgeModel,
  type Miss,
  openJudgedPrompts,
  openJudgedSet,
  openPictures,
} from '@easel/train';
import { isModule } from '@easel/train/internals';
import { openVqgan } from '@easel/vqgan/node';
import { backendOption, startBackend } from '../backend-option.js';
import { defineCommand } from '../command.js';
import { interruptible } from '../interrupt.js';
import { judgedSheet } from '../judged-sheet.js';
import { judgedTable } from '../judged-table.js';
import { loading } from '../loading.js';
import { locateModel } from '../named-model.js';
import { flagOption, integerOption, jsonOption, numbersOption, quietOption, textOption } from '../options.js';
import { prepareOutputFolder } from '../output-folder.js';
import { writePicture } from '../picture-file.js';
import { captionLinesOf, folderOptions, SOURCES } from '../picture-sources.js';
import { Progress } from '../progress.js';
import { UsageError } from '../usage-error.js';

/** The file of judged prompts in a folder of pictures. */
const PROMPTS = 'prompts.json';

/** Prompts of each kind and split of a judged set, unless told otherwise. */
const SET_PROMPTS = 200;

/** Drawings of each split on the sheet. */
const SHOWN = 8;

/** What both ways of judging take. */
interface JudgeArguments {
  readonly set: string;
  readonly model: string | undefined;
  readonly prompts: number | undefined;
  readonly images: number | undefined;
  readonly seed: number | undefined;
  readonly backend: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
}

interface PictureArguments extends JudgeArguments {
  readonly captions: string | undefined;
  readonly 'caption-lines'?: string | undefined;
  readonly fit: string | undefined;
  readonly list: string | undefined;
  readonly misses: number | undefined;
}

interface SetArguments extends JudgeArguments {
  readonly kinds: string | undefined;
  readonly guidance: readonly number[] | undefined;
  readonly temperature: readonly number[] | undefined;
  readonly 'top-k': readonly number[] | undefined;
  readonly ceiling: boolean;
  readonly sheet: string | undefined;
}

/** The prompts of a list where there is one, else the captions of the pictures. */
async function judgedOf({ set, captions, fit, list, prompts, ...args }: PictureArguments) {
  const hasLists = set.endsWith('.json') || existsSync(join(set, PROMPTS));
  if (hasLists && captions === undefined)
    return {
      skipped: 0,
      ...(await openJudgedPrompts(set, { list: list ?? null, count: prompts ?? null })),
    };
  if (list !== undefined)
    throw new UsageError(`--list: ${set} has no ${PROMPTS} with lists; its captions are the prompts.`);
  const source = await openPictures({ path: set, captions }, { captionLines: captionLinesOf(args) });
  try {
    const judged = await judgedCaptions(source, { fit: fit as 'cover' | 'contain' | undefined });
    return { ...judged, prompts: judged.prompts.slice(0, prompts) };
  } finally {
    await source.close();
  }
}

async function judgeByPictures(args: PictureArguments, signal: AbortSignal): Promise<void> {
  const { folder } = await locateModel(args.model, { signal, quiet: args.quiet });
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
    const missed: Miss[] = [];
    const judgement = judgeDrawings({ name, prompts, gallery }, drawings, perPrompt, (miss) => {
      if (missed.length < (args.misses ?? 0)) missed.push(miss);
    });
    const counts = { prompts: prompts.length, drawings: drawings.pictures.length, gallery: gallery.size };
    if (args.json) {
      process.stdout.write(
        `${JSON.stringify({ model: folder, list: name, ...counts, skipped, ...judgement, ...(args.misses !== undefined && { missed }) })}\n`,
      );
      return;
    }
    if (skipped > 0 && !args.quiet)
      process.stderr.write(`${skipped} pictures can't be decoded and are no part of this.\n`);
    process.stdout.write(
      `${judgement.top1.toFixed(1)} % nearest to their own picture, ${judgement.top5.toFixed(1)} % among the five nearest: ${counts.drawings} drawings of ${counts.prompts} prompts (${name}), ${counts.gallery} pictures; chance ${(100 / counts.gallery).toFixed(2)} %\n`,
    );
    for (const { prompt, drawing, nearest } of missed)
      process.stdout.write(
        `${prompt}${perPrompt > 1 ? `, drawing ${drawing + 1}` : ''}: nearest to ${nearest}\n`,
      );
  } finally {
    model.dispose();
  }
}

/** Returns every combination of the given lists. What has no list is the model's own. */
function settingsOf(args: SetArguments): Partial<GenerationSettings>[] {
  const lists = [
    ['conditionScale', args.guidance],
    ['temperature', args.temperature],
    ['topK', args['top-k']],
  ] as const;
  return lists.reduce<Partial<GenerationSettings>[]>(
    (found, [name, values]) =>
      values === undefined
        ? found
        : found.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
    [{}],
  );
}

async function judgeBySet(set: JudgedSet, args: SetArguments, signal: AbortSignal): Promise<void> {
  const { sheet, quiet } = args;
  const { folder } = await locateModel(args.model, { signal, quiet: args.quiet });
  if (sheet !== undefined) await prepareOutputFolder(dirname(sheet));
  await startBackend(args);
  const model = await loading('loading the model', { quiet, signal }, (options) =>
    openPictureModel(folder, options),
  );
  const vqgan = args.ceiling ? await openVqgan(join(folder, 'vqgan')) : undefined;
  if (vqgan?.canEncode === false && !quiet)
    process.stderr.write('The VQGAN has no encoder: the ceiling is that of the renderings as they are.\n');
  const settings = settingsOf(args);
  const asked = { prompts: args.prompts ?? SET_PROMPTS, images: args.images ?? 1, seed: args.seed ?? 0 };
  const progress = new Progress({ label: 'judging', unit: 'pictures', startsLate: true, quiet });
  let result: JudgeResult;
  try {
    result = await judgeModel(model, set, {
      kinds: args.kinds?.split(',').map((kind) => kind.trim()),
      count: asked.prompts,
      images: asked.images,
      seed: asked.seed,
      settings,
      ceiling: vqgan?.canEncode ? vqgan : args.ceiling ? 'renderings' : undefined,
      samples: sheet === undefined ? 0 : SHOWN,
      signal,
      onProgress: (done, total, note) => progress.update(done, { total, note }),
    });
  } finally {
    progress.finish();
    model.dispose();
    vqgan?.dispose();
  }
  const { rows, verdicts, samples, complete } = result;
  const used = settings.map((one) => ({ ...model.settings, ...one }));
  if (args.json) {
    const all = { model: folder, set: args.set, ...asked, settings: used, complete, rows, verdicts };
    process.stdout.write(`${JSON.stringify(all)}\n`);
  } else if (rows.length > 0) process.stdout.write(judgedTable(rows, used));
  if (sheet !== undefined && samples.length > 0) {
    const picture = await judgedSheet(samples);
    await writePicture(dirname(sheet), basename(sheet, '.png'), picture, { overwrite: true });
  }
  if (!complete) process.stderr.write('Stopped: only the kinds that were finished are here.\n');
}

/** Throws UsageError for options that go with the other way of judging. */
function refuse(args: object, names: readonly string[], why: string): void {
  const given = names.find((name) => {
    const value = (args as Readonly<Record<string, unknown>>)[name];
    return value !== undefined && value !== false;
  });
  if (given !== undefined) throw new UsageError(`--${given}: ${why}`);
}

export const judge = defineCommand({
  name: 'judge',
  usage: '<set>',
  description: "Say how many of a model's drawings show what their prompt asks for",
  positionals: {
    set: {
      type: 'string',
      demandOption: true,
      describe: `a module of judged prompts, as data/scenes/judged.mjs?seed=1; a file of judged prompts, or a folder with one (prompts.json); else captioned pictures, each caption a prompt: ${SOURCES}`,
    },
  },
  options: {
    model: textOption(
      'model',
      'model folder, run, or hf:ORG/NAME; default: EASEL_MODEL, else the shipped model',
    ),
    list: textOption('list', 'list of the judged prompts; default: the first'),
    misses: integerOption(
      'misses',
      'of pictures: name the first N drawings that are nearest to another one',
      {
        min: 0,
      },
    ),
    prompts: integerOption(
      'prompts',
      `only so many, from the first on; default: all, and of a module ${SET_PROMPTS} of each kind and split`,
      { min: 1 },
    ),
    images: integerOption('images', 'drawings of each prompt', { min: 1, default: 1 }),
    seed: integerOption('seed', 'seed of the drawings', { min: 0, default: 0 }),
    kinds: textOption('kinds', 'of a module: kinds of prompts, as colour,pair; default: all'),
    guidance: numbersOption(
      'guidance',
      "of a module: draw with each of these scales of guidance (generate's --scale), as 1,1.5,2; default: the model's",
      { min: 0 },
    ),
    temperature: numbersOption(
      'temperature',
      "of a module: and with each of these temperatures; default: the model's",
      { above: 0 },
    ),
    'top-k': numbersOption(
      'top-k',
      "of a module: and with so many of the most probable codes, 0: all; default: the model's",
      { min: 0, whole: true },
    ),
    ceiling: flagOption(
      "of a module: also judge the right renderings, as the model's VQGAN gives them back, or as they are if it has no encoder",
    ),
    sheet: textOption(
      'sheet',
      'of a module: PNG file of the first drawings of each split beside what they should be',
    ),
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
    [
      'easel judge data/scenes/judged.mjs --kinds colour,pair --guidance 1,1.5,2 --temperature 0.5,1',
      'what is right about the drawings of compositions, by settings',
    ],
  ],
  run: (args) =>
    interruptible(async (signal) => {
      if (args.sheet !== undefined && !args.sheet.endsWith('.png'))
        throw new UsageError(`--sheet: expected the name of a PNG file, got "${args.sheet}".`);
      const set = isModule(args.set) ? await openJudgedSet(args.set) : null;
      if (set === null) {
        const names = ['kinds', 'guidance', 'temperature', 'top-k', 'ceiling', 'sheet'];
        refuse(args, names, `this goes with a module of judged prompts, and ${args.set} is none.`);
        return judgeByPictures(args, signal);
      }
      refuse(args, ['list', 'captions', 'misses'], `this goes with pictures, and ${args.set} is a module.`);
      return judgeBySet(set, args, signal);
    }),
});
