import { basename, resolve } from 'node:path';
import { type OpenOptions, type Raster, WEIGHT_STORAGES, type WeightStorage } from '@easel/core';
import {
  type GenerationSettings,
  generatePictures,
  type Picture,
  type PictureModel,
  type PromptHint,
  promptHints,
  type UnknownWord,
} from '@easel/draw';
import { checkMemory, pictureTexts, searchToJson, settingsFor } from '@easel/draw/internals';
import { openPictureModel } from '@easel/draw/node';
import { backendOption, startBackend } from '../backend-option.js';
import { captionedSheet } from '../captioned-sheet.js';
import { defineCommand } from '../command.js';
import { interruptible, isAbort } from '../interrupt.js';
import { loading } from '../loading.js';
import { locateFolder, locateModel } from '../named-model.js';
import {
  flagOption,
  integerOption,
  jsonOption,
  numberOption,
  overwriteOption,
  quietOption,
  textOption,
  yesOption,
} from '../options.js';
import { prepareOutputFolder } from '../output-folder.js';
import { sheetOf, slug, writePicture } from '../picture-file.js';
import { Progress } from '../progress.js';
import { formatHints } from '../prompt-hints.js';
import { gatherPrompts } from '../prompts.js';
import { type RankedPicture, rankPictures } from '../rank-pictures.js';
import { searchOf } from '../search-options.js';
import { askTerminal } from '../terminal/ask.js';
import { detectGraphics, type Graphics } from '../terminal/graphics.js';
import { PreviewBoard } from '../terminal/preview-board.js';
import { UsageError } from '../usage-error.js';

/** One drawn picture in the form that `--json` prints. */
interface Result {
  readonly file: string;
  readonly prompt: string;
  readonly seed: number;
  /** Number of this picture among those of its prompt, from 0. */
  readonly index: number;
  /** With --clip: the picture's score, and its rank among the prompt's pictures, 1 for the best. */
  readonly score?: number;
  readonly rank?: number;
  readonly tokens?: number[];
  /** Words of the prompt that the model never saw, with those that may be meant, if there are any. */
  readonly unknown?: readonly UnknownWord[];
}

/**
 * Returns each picture's name without its ending. A number after a dot tells prompts with one slug
 * apart; no slug has a dot.
 */
function pictureNames(
  prompts: readonly string[],
  seed: number,
): (promptIndex: number, which: number | string) => string {
  const taken = new Map<string, number>();
  const names = prompts.map((prompt) => {
    const base = slug(prompt);
    const count = (taken.get(base) ?? 0) + 1;
    taken.set(base, count);
    return count === 1 ? base : `${base}.${count}`;
  });
  return (promptIndex, which) => `${names[promptIndex]}-${seed}-${which}`;
}

/**
 * The number of pictures that are drawn of each prompt, and the number that is kept after CLIP has
 * ranked them.
 */
interface Choice {
  readonly drawn: number;
  readonly kept: number;
  /** Folder of the CLIP. If it is undefined, all pictures are kept as they come. */
  readonly clip: string | undefined;
}

/** Throws UsageError for options that do not go together. */
function choiceOf(args: {
  readonly images: number | undefined;
  readonly candidates: number | undefined;
  readonly keep: number | undefined;
  readonly clip: string | undefined;
}): Choice {
  const { images, candidates, keep, clip } = args;
  if (clip === undefined) {
    const alone = candidates !== undefined ? '--candidates' : keep !== undefined ? '--keep' : undefined;
    if (alone !== undefined)
      throw new UsageError(
        `${alone} needs --clip: the folder of the CLIP that says which pictures fit best.`,
      );
    return { drawn: images ?? 1, kept: images ?? 1, clip };
  }
  if (images !== undefined && candidates !== undefined)
    throw new UsageError('--images and --candidates both say how many pictures are drawn; give one of them.');
  const drawn = candidates ?? images ?? 1;
  const kept = keep ?? (candidates === undefined ? drawn : 1);
  if (kept > drawn)
    throw new UsageError(`--keep: expected at most the ${drawn} pictures that are drawn, got ${kept}.`);
  return { drawn, kept, clip };
}

/** Opens the scorer of a CLIP folder. CLIP is loaded only here, since most drawing needs none. */
async function openScorer(folder: string, prompts: readonly string[], options: OpenOptions) {
  const { openClip } = await import('@easel/clip/node');
  const { scorer, dispose } = await openClip(folder, options);
  for (const prompt of prompts) {
    const { tokens, read } = scorer.lengthOf(prompt);
    if (tokens > read) warnOfLength(prompt, `${tokens} tokens for CLIP, which`, read);
  }
  return { scorer, dispose };
}

function warnOfLength(prompt: string, tokens: string, read: number): void {
  const beginning = prompt.length > 40 ? `${prompt.slice(0, 40)}…` : prompt;
  process.stderr.write(`Warning: the prompt "${beginning}" has ${tokens} reads the first ${read}.\n`);
}

function warnOfBlack(prompt: string, index: number): void {
  process.stderr.write(`Warning: picture ${index} of "${prompt}" is black: one of its ids has no code.\n`);
}

/** The unknown words of a prompt, where it has any. */
function unknownOf(hint: PromptHint | undefined): Pick<Result, 'unknown'> {
  return hint === undefined || hint.unknown.length === 0 ? {} : { unknown: hint.unknown };
}

/** Warns on stderr of prompts of which the model reads only the beginning. */
function warnOfLongPrompts({ text: { tokenizer, config } }: PictureModel, prompts: readonly string[]): void {
  for (const prompt of prompts) {
    const tokens = tokenizer.encode(prompt).length;
    if (tokens > config.maxTextLength)
      warnOfLength(prompt, `${tokens} tokens; the model`, config.maxTextLength);
  }
}

/**
 * Writes a rank as a part of a file name, with leading zeros, so that a folder lists the best
 * picture first.
 */
function rankName(rank: number, kept: number): string {
  return `rank-${String(rank).padStart(String(kept).length, '0')}`;
}

/**
 * Returns the number of columns of the sheet. Each prompt gets a row. If there is one picture for
 * each prompt, or only one prompt, the sheet is nearly square.
 */
function sheetColumns(prompts: number, images: number): number {
  return prompts > 1 && images > 1 ? images : Math.ceil(Math.sqrt(prompts * images));
}

/** Returns the settings that the command line gives. The others are left out. */
function givenSettings(args: {
  readonly 'top-k': number | undefined;
  readonly 'top-p': number | undefined;
  readonly temperature: number | undefined;
  readonly scale: number | undefined;
}): Partial<GenerationSettings> {
  return {
    ...(args['top-k'] === undefined ? {} : { topK: args['top-k'] }),
    ...(args['top-p'] === undefined ? {} : { topP: args['top-p'] }),
    ...(args.temperature === undefined ? {} : { temperature: args.temperature }),
    ...(args.scale === undefined ? {} : { conditionScale: args.scale }),
  };
}

/**
 * How pictures are shown while they are drawn; undefined if they are not. They never go into a pipe
 * or a file, nor to a terminal that has no cursor.
 */
async function previewGraphics(wanted: boolean | undefined, quiet: boolean): Promise<Graphics | undefined> {
  const { stderr, env } = process;
  if (wanted === false || quiet || !stderr.isTTY || env.TERM === 'dumb') return undefined;
  return detectGraphics({ env, depth: stderr.getColorDepth(), ask: askTerminal });
}

export const generate = defineCommand({
  name: 'generate',
  usage: '[prompt..]',
  description: 'Draw pictures from sentences',
  positionals: {
    prompt: {
      type: 'string',
      array: true,
      default: [] as string[],
      describe: 'what to draw; each prompt in quotes',
    },
  },
  options: {
    prompts: textOption('prompts', 'text file with more prompts, one a line; -: from stdin'),
    out: textOption('out', 'folder of the pictures', { default: 'out' }),
    images: integerOption('images', 'pictures of each prompt; default: 1', { min: 1, max: 10_000 }),
    clip: textOption('clip', 'folder of a CLIP: it scores the pictures, and the files come best first'),
    candidates: integerOption(
      'candidates',
      'with --clip: draw so many pictures of each prompt to choose from',
      {
        min: 1,
        max: 10_000,
      },
    ),
    keep: integerOption(
      'keep',
      'with --clip: write so many of the best; default: 1 of the candidates, or all',
      {
        min: 1,
      },
    ),
    seed: integerOption('seed', 'another seed draws other pictures, the same seed the same ones', {
      min: 0,
      default: 0,
    }),
    model: textOption(
      'model',
      'model folder, a package that is a model, or hf:ORG/NAME; default: the variable EASEL_MODEL, else @easel/model-emoji',
    ),
    weights: textOption(
      'weights',
      'how weights are held: stored: as the files have them; f32, f16, bf16, int8, int4, int4-64: converted when the model is opened',
      { choices: WEIGHT_STORAGES, default: 'stored' },
    ),
    'top-k': integerOption(
      'top-k',
      "choose among the k most probable codes, 0: among all; default: the model's",
      { min: 0 },
    ),
    'top-p': numberOption(
      'top-p',
      "choose among the most probable codes up to this probability, 1: among all; default: the model's",
      {
        min: 0,
        max: 1,
      },
    ),
    temperature: numberOption('temperature', "below 1 surer, above 1 more varied; default: the model's", {
      above: 0,
    }),
    scale: numberOption(
      'scale',
      "how much more than its habits the model follows the prompt, 1: no more; default: the model's",
      {
        min: 0,
      },
    ),
    rule: textOption(
      'rule',
      "whose way to draw from the probabilities; min-dalle's has settings of its own",
      {
        choices: ['dalle-mini', 'min-dalle'],
      },
    ),
    greedy: flagOption('take the most probable code each time, in place of drawing'),
    beams: integerOption('beams', 'search the most probable row of codes with so many beams', { min: 2 }),
    'length-penalty': numberOption(
      'length-penalty',
      "with --beams: scores of finished rows are divided by length^x; default: the model's",
      { above: 0 },
    ),
    'early-stopping': flagOption('with --beams: end as soon as there are as many finished rows as beams'),
    'all-ids': flagOption(
      'also draw ids that have no code, as the original does; a picture with one is black',
    ),
    batch: integerOption('batch', 'pictures drawn at a time: more is faster and takes more memory', {
      min: 1,
      default: 8,
    }),
    preview: {
      type: 'boolean',
      describe: 'show pictures on the terminal while they are drawn; default: if stderr is a terminal',
    },
    grid: flagOption('also write all pictures as one sheet, grid.png'),
    captions: flagOption('with --grid: the prompt below each picture'),
    overwrite: overwriteOption,
    tokens: flagOption('with --json: also print the image codes of each picture'),
    backend: backendOption,
    yes: yesOption,
    json: jsonOption,
    quiet: quietOption,
  },
  examples: [
    ['easel generate "a red heart"', 'draw out/a-red-heart-0-0.png'],
    ['easel generate "a cat" "a dog" --images 4 --seed 7 --grid', 'eight pictures and a sheet of them'],
    [
      'easel generate --prompts prompts.txt --out drawn --json > drawn.json',
      'one picture a line, and a list for a program',
    ],
    [
      'easel generate "a cat" --model hf:dalle-mini/dalle-mini',
      "DALL·E mini's weights; asks before it fetches them",
    ],
    ['easel generate "a cat" --rule min-dalle --top-k 128', "min-dalle's way to draw"],
    [
      'easel generate "a cat" --candidates 16 --keep 4 --clip clip-vit-base-patch32',
      'draw sixteen, write the four that fit best, and print their scores',
    ],
  ],
  run: (args) =>
    interruptible(async (signal) => {
      const prompts = await gatherPrompts(args.prompt, args.prompts);
      const { out = 'out', seed = 0, batch = 8 } = args;
      const choice = choiceOf(args);
      const search = searchOf(args, choice.drawn);
      const allIds = args['all-ids'];
      if (args.captions && !args.grid) throw new UsageError('--captions goes with --grid.');
      const located = { signal, yes: args.yes, quiet: args.quiet };
      const { folder, name: modelName } = await locateModel(args.model, located);
      const clipFolder = choice.clip === undefined ? undefined : await locateFolder(choice.clip, located);
      await prepareOutputFolder(out);
      const graphics = await previewGraphics(args.preview, args.quiet);
      await startBackend(args);
      const clip =
        clipFolder === undefined
          ? undefined
          : await loading('loading CLIP', { quiet: args.quiet, signal }, (options) =>
              openScorer(clipFolder, prompts, options),
            );
      const model = await loading('loading the model', { quiet: args.quiet, signal }, (options) =>
        openPictureModel(folder, { ...options, weights: args.weights as WeightStorage | undefined }),
      );
      warnOfLongPrompts(model, prompts);
      const hints = promptHints(model, prompts);
      if (!args.quiet) process.stderr.write(formatHints(hints, model.words?.complete ?? true));

      const settings = givenSettings(args);
      const making = {
        seed,
        model: modelName,
        ...searchToJson(search, settingsFor(search, model.settings, settings), allIds),
        ...(choice.clip === undefined ? {} : { clip: basename(resolve(choice.clip)) }),
      };
      const nameOf = pictureNames(prompts, seed);
      const total = prompts.length * choice.drawn;
      const atATime = Math.min(batch, total);
      checkMemory(model, { slots: atATime }, process.availableMemory(), '--batch');
      const progress = new Progress({
        label: 'drawing',
        total: total * model.text.config.imageLength,
        unit: 'tokens',
        quiet: args.quiet,
      });
      const board =
        graphics &&
        new PreviewBoard(graphics, atATime, process.stderr, (block) => {
          if (!signal.aborted) progress.showBlock(block);
        });
      signal.addEventListener('abort', () => {
        progress.showBlock(undefined);
        progress.clear();
      });
      const results: Result[] = [];
      const sheet: { readonly pixels: Raster; readonly prompt: string }[] = [];
      let numbered = 0;
      let tokensDone = 0;
      const pictures = generatePictures(model, {
        prompts,
        images: choice.drawn,
        seed,
        batch,
        settings,
        search,
        allIds,
        signal,
        onTokens: (done) => {
          tokensDone = done;
          progress.update(done);
        },
        onPreview: board && ((preview) => board.put(preview, preview.pixels, false)),
      });
      const onScored = (done: number) =>
        progress.update(tokensDone, { note: `${done} of ${total} pictures scored` });
      const chosen: AsyncIterable<Picture | RankedPicture> =
        clip === undefined
          ? pictures
          : rankPictures(pictures, { scorer: clip.scorer, keep: choice.kept, batch, onScored });
      try {
        for await (const picture of chosen) {
          const { prompt, promptIndex, index, pixels, tokens } = picture;
          board?.put(picture, pixels, true);
          if (tokens.some((id) => id >= model.vqgan.config.nEmbed)) warnOfBlack(prompt, index);
          const ranked = 'rank' in picture ? { score: picture.score, rank: picture.rank } : {};
          const texts = pictureTexts({ prompt, index, ...making, ...ranked });
          const which = 'rank' in picture ? rankName(picture.rank, choice.kept) : index;
          const name = nameOf(promptIndex, which);
          const file = await writePicture(out, name, pixels, { texts, overwrite: args.overwrite });
          if (basename(file) !== `${name}.png`) numbered++;
          results.push({
            file,
            prompt,
            seed,
            index,
            ...ranked,
            ...unknownOf(hints[promptIndex]),
            ...(args.tokens ? { tokens: [...tokens] } : {}),
          });
          if (!args.json) progress.print('rank' in picture ? `${file}\t${picture.score.toFixed(3)}` : file);
          if (args.grid) sheet.push({ pixels, prompt });
        }
        await board?.settled();
        progress.finish();
      } catch (error) {
        progress.finish();
        if (!isAbort(error)) throw error;
      } finally {
        model.dispose();
        clip?.dispose();
        if (args.json) process.stdout.write(`${JSON.stringify(results)}\n`);
      }
      if (args.grid && sheet.length > 0) {
        const columns = sheetColumns(prompts.length, choice.kept);
        const pixels = sheet.map((one) => one.pixels);
        const drawn = sheet.map((one) => one.prompt);
        const picture = args.captions
          ? await captionedSheet(pixels, drawn, columns)
          : sheetOf(pixels, columns);
        const texts = new Map([
          ['Description', [...new Set(drawn)].join('\n')],
          ['Software', 'Easel'],
          ['Easel', JSON.stringify({ prompts: [...new Set(drawn)], columns, ...making })],
        ]);
        const file = await writePicture(out, 'grid', picture, { texts, overwrite: args.overwrite });
        if (!args.json) process.stdout.write(`${file}\n`);
      }
      if (numbered > 0 && !args.quiet)
        process.stderr.write(
          `Names taken by other pictures in ${out}: ${numbered}. Numbers were added; --overwrite replaces them.\n`,
        );
      if (signal.aborted)
        process.stderr.write(
          `Stopped: ${results.length} of ${prompts.length * choice.kept} pictures are in ${out}.\n`,
        );
    }),
});
