import { pictureGrid, type Raster } from '@easel/core';
import { TUNE_STAGES, type TuneResult, tune as tuneModel } from '@easel/train';
import { backendOption, startBackend } from '../backend-option.js';
import { captionedSheet } from '../captioned-sheet.js';
import { defineCommand } from '../command.js';
import { type DrawPromptsOptions, drawPrompts } from '../draw-prompts.js';
import { interruptedExitCode, interruptible } from '../interrupt.js';
import { resolveVqganFolder } from '../model-folder.js';
import { locateModel } from '../named-model.js';
import { jsonOption, numberOption, quietOption, requiredText, textOption } from '../options.js';
import { prepareOutputFolder } from '../output-folder.js';
import { writePicture } from '../picture-file.js';
import { captionLinesOf, folderOptions, SOURCES } from '../picture-sources.js';
import { formatSeconds } from '../progress.js';
import { gatherPrompts } from '../prompts.js';
import { showStages } from '../stage-progress.js';

/** Pairs of drawings in a row of the sheet. */
const SHEET_COLUMNS = 4;
/** Name of the sheet's file, without its ending. */
const SHEET = 'before-after';

/**
 * Draws the same prompts with the model as it was and as it is now, side by side, as a sheet in the
 * new one's folder: first the new captions, then what it knew. Returns the file's path.
 */
async function drawSheet(
  from: string,
  { model, captions, known }: TuneResult,
  { vqgan, ...options }: Omit<DrawPromptsOptions, 'label'>,
): Promise<string> {
  const prompts = [...captions, ...known];
  const before = await drawPrompts(from, prompts, { label: 'drawing as before', vqgan, ...options });
  const after = await drawPrompts(model, prompts, { label: 'drawing as now', ...options });
  const pairs = before.map((picture, i) => pictureGrid([picture, after[i] as Raster], 2, 2));
  const sheet = await captionedSheet(pairs, prompts, Math.min(SHEET_COLUMNS, pairs.length));
  return writePicture(model, SHEET, sheet, { overwrite: true });
}

export const tune = defineCommand({
  name: 'tune',
  usage: '<pictures..>',
  description: 'Teach a model some further pictures with captions, so that it keeps what it knew',
  positionals: {
    pictures: {
      type: 'string',
      array: true,
      demandOption: true,
      describe: `20 to 200 captioned pictures: ${SOURCES}`,
    },
  },
  options: {
    from: textOption(
      'from',
      'model folder, or run, that is tuned and stays as it is; default: EASEL_MODEL, else the shipped model',
    ),
    out: requiredText(
      'out',
      'folder of the tuned model; the same command goes on with a tuning that was stopped',
    ),
    minutes: numberOption('minutes', 'time for everything; default: 10, or what the tuning was begun with', {
      above: 0,
    }),
    ...folderOptions,
    fit: textOption(
      'fit',
      'cover: the square in the middle of a picture; contain: all of it, with white beside it; default: cover',
      { choices: ['cover', 'contain'] },
    ),
    rehearsal: numberOption(
      'rehearsal',
      'share of the training that rehearses what the model knew; less learns faster and forgets more; default: 0.5',
      { min: 0, max: 0.95 },
    ),
    prompts: textOption(
      'prompts',
      "file of prompts that are rehearsed, one a line; default: the model's prompts.txt, else its words",
    ),
    'decoder-below': numberOption(
      'decoder-below',
      "train the VQGAN's decoder too if pictures come back from their tokens with a PSNR below so many dB; 0: never; default: 22",
      { min: 0 },
    ),
    vqgan: textOption(
      'vqgan',
      "folder of the whole VQGAN that the model was trained with, if the model's own has no encoder",
    ),
    backend: backendOption,
    json: jsonOption,
    quiet: quietOption,
  },
  examples: [
    [
      'easel tune photos --out models/mine',
      'teach the shipped model; then: easel generate "my cat" --model models/mine',
    ],
    [
      'easel tune stamps --from models/photos --out models/stamps --caption-lines first --fit contain',
      'teach another model drawings whose .txt has translations below the first line',
    ],
    ['easel tune logos --out models/logos --rehearsal 0.8 --minutes 20', 'forget less, in more time'],
  ],
  run: (args) =>
    interruptible(async (signal) => {
      const { folder: from } = await locateModel(args.from, { signal, quiet: args.quiet, option: '--from' });
      const vqgan = args.vqgan === undefined ? undefined : resolveVqganFolder(args.vqgan);
      const prompts = args.prompts === undefined ? undefined : await gatherPrompts([], args.prompts);
      await prepareOutputFolder(args.out);
      await startBackend(args);
      const { onEvent, finish } = showStages(TUNE_STAGES, args.quiet);
      const sources = args.pictures.map((path) => ({ path, captions: args.captions }));
      const result = await tuneModel(sources, {
        from,
        out: args.out,
        minutes: args.minutes,
        captionLines: captionLinesOf(args),
        fit: args.fit as 'cover' | 'contain' | undefined,
        rehearsal: args.rehearsal,
        prompts,
        decoderBelow: args['decoder-below'],
        vqgan,
        signal,
        onEvent,
      }).finally(finish);
      const { complete, model, pictures, captions, seconds } = result;
      if (!complete) {
        process.exitCode = interruptedExitCode();
        process.stderr.write('Stopped; the same command goes on from here.\n');
        return;
      }
      const sheet = await drawSheet(from, result, { vqgan, quiet: args.quiet, signal });
      if (args.json) process.stdout.write(`${JSON.stringify({ ...result, sheet })}\n`);
      else {
        const [prompt = 'a cat'] = captions;
        process.stdout.write(`${model}\n${sheet}\n`);
        if (!args.quiet)
          process.stderr.write(
            `Tuned with ${pictures} pictures in ${formatSeconds(seconds)}; the sheet has before at the left, after at the right. Draw with: easel generate ${JSON.stringify(prompt)} --model ${model}\n`,
          );
      }
    }),
});
