import { basename, resolve } from 'node:path';
import { backendOption, startBackend } from '../backend-option.js';
import { defineCommand } from '../command.js';
import { generatePictures, openPictureModel, type PictureModel } from '../generate-pictures.js';
import { type GenerationSettings, generationSettingsToJson } from '../generation-settings.js';
import { interruptible, isAbort } from '../interrupt.js';
import { resolveModelFolder } from '../model-folder.js';
import { flagOption, integerOption, jsonOption, numberOption, quietOption, textOption } from '../options.js';
import { prepareOutputFolder } from '../output-folder.js';
import { type Pixels, sheetOf, slug, writePicture } from '../picture-file.js';
import { Progress } from '../progress.js';
import { gatherPrompts } from '../prompts.js';

/** One drawn picture, as `--json` prints it. */
interface Result {
  readonly file: string;
  readonly prompt: string;
  readonly seed: number;
  /** Which of the prompt's pictures this is, from 0. */
  readonly index: number;
  readonly tokens?: number[];
}

/** File name of picture `index` of a prompt; prompts of one slug are told apart by a number after a dot, which no slug has. */
function pictureNames(
  prompts: readonly string[],
  seed: number,
): (promptIndex: number, index: number) => string {
  const taken = new Map<string, number>();
  const names = prompts.map((prompt) => {
    const base = slug(prompt);
    const count = (taken.get(base) ?? 0) + 1;
    taken.set(base, count);
    return count === 1 ? base : `${base}.${count}`;
  });
  return (promptIndex, index) => `${names[promptIndex]}-${seed}-${index}`;
}

/** Says on stderr which prompts the model reads only the beginning of. */
function warnOfLongPrompts({ bart: { tokenizer, config } }: PictureModel, prompts: readonly string[]): void {
  for (const prompt of prompts) {
    const tokens = tokenizer.encode(prompt).length;
    if (tokens <= config.maxTextLength) continue;
    const beginning = prompt.length > 40 ? `${prompt.slice(0, 40)}…` : prompt;
    process.stderr.write(
      `Warning: the prompt "${beginning}" has ${tokens} tokens; the model reads the first ${config.maxTextLength}.\n`,
    );
  }
}

/** Columns of the sheet: a row for each prompt, or near a square if there is one picture a prompt or one prompt only. */
function sheetColumns(prompts: number, images: number): number {
  return prompts > 1 && images > 1 ? images : Math.ceil(Math.sqrt(prompts * images));
}

/** Settings given on the command line; those not given are left out. */
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
    prompts: textOption('prompts', 'text file with more prompts, one a line'),
    out: textOption('out', 'folder of the pictures', { default: 'out' }),
    images: integerOption('images', 'pictures of each prompt', { min: 1, max: 10_000, default: 1 }),
    seed: integerOption('seed', 'another seed draws other pictures, the same seed the same ones', {
      min: 0,
      default: 0,
    }),
    model: textOption(
      'model',
      'model folder; default: the variable EASEL_MODEL, else the model that ships with Easel',
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
      min: 0,
      exclusive: true,
    }),
    scale: numberOption(
      'scale',
      "how much more than its habits the model follows the prompt, 1: no more; default: the model's",
      {
        min: 0,
      },
    ),
    batch: integerOption('batch', 'pictures drawn at a time: more is faster and takes more memory', {
      min: 1,
      default: 8,
    }),
    grid: flagOption('also write all pictures as one sheet, grid.png'),
    tokens: flagOption('with --json: also print the image codes of each picture'),
    backend: backendOption,
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
  ],
  run: (args) =>
    interruptible(async (signal) => {
      const prompts = await gatherPrompts(args.prompt, args.prompts);
      const { out = 'out', images = 1, seed = 0, batch = 8 } = args;
      await prepareOutputFolder(out);
      const folder = resolveModelFolder(args.model);
      await startBackend(args);
      const model = await openPictureModel(folder);
      warnOfLongPrompts(model, prompts);

      const settings = givenSettings(args);
      const making = {
        seed,
        model: basename(resolve(folder)),
        ...generationSettingsToJson({ ...model.settings, ...settings }),
      };
      const nameOf = pictureNames(prompts, seed);
      const progress = new Progress({
        label: 'drawing',
        total: prompts.length * images * model.bart.config.imageLength,
        unit: 'tokens',
        quiet: args.quiet,
      });
      const results: Result[] = [];
      const drawn: Pixels[] = [];
      const onTokens = (done: number) => progress.update(done);
      try {
        for await (const picture of generatePictures(model, {
          prompts,
          images,
          seed,
          batch,
          settings,
          signal,
          onTokens,
        })) {
          const { prompt, promptIndex, index, pixels, tokens } = picture;
          const texts = new Map([
            ['Description', prompt],
            ['Software', 'Easel'],
            ['Easel', JSON.stringify({ prompt, index, ...making })],
          ]);
          const file = await writePicture(out, nameOf(promptIndex, index), pixels, texts);
          results.push({ file, prompt, seed, index, ...(args.tokens ? { tokens: [...tokens] } : {}) });
          if (!args.json) progress.print(file);
          if (args.grid) drawn.push(pixels);
        }
        progress.finish();
      } catch (error) {
        progress.finish();
        if (!isAbort(error)) throw error;
      } finally {
        model.dispose();
        if (args.json) process.stdout.write(`${JSON.stringify(results)}\n`);
      }
      if (args.grid && drawn.length > 0) {
        const file = await writePicture(out, 'grid', sheetOf(drawn, sheetColumns(prompts.length, images)));
        if (!args.json) process.stdout.write(`${file}\n`);
      }
      if (signal.aborted)
        process.stderr.write(
          `Stopped: ${results.length} of ${prompts.length * images} pictures are in ${out}.\n`,
        );
    }),
});
