import { LEARN_STAGES, learn as learnPictures } from '@easel/train';
import { backendOption, startBackend } from '../backend-option.js';
import { captionedSheet } from '../captioned-sheet.js';
import { defineCommand } from '../command.js';
import { drawPrompts } from '../draw-prompts.js';
import { interruptedExitCode, interruptible } from '../interrupt.js';
import { jsonOption, numberOption, quietOption, requiredText } from '../options.js';
import { prepareOutputFolder } from '../output-folder.js';
import { writePicture } from '../picture-file.js';
import { captionLinesOf, folderOptions, SOURCES } from '../picture-sources.js';
import { formatSeconds } from '../progress.js';
import { showStages } from '../stage-progress.js';

/** Pictures in a row of the sheet. */
const SHEET_COLUMNS = 6;

/** Draws the captions with the learnt model, as a sheet in its folder; returns the file's path. */
async function drawSheet(
  model: string,
  captions: readonly string[],
  options: { readonly quiet: boolean; readonly signal: AbortSignal },
): Promise<string> {
  const pictures = await drawPrompts(model, captions, { label: 'drawing a sheet', ...options });
  const sheet = await captionedSheet(pictures, captions, Math.min(SHEET_COLUMNS, pictures.length));
  return writePicture(model, 'sheet', sheet, { overwrite: true });
}

export const learn = defineCommand({
  name: 'learn',
  usage: '<pictures..>',
  description: 'From captioned pictures to a model that draws such pictures, in one command',
  positionals: {
    pictures: {
      type: 'string',
      array: true,
      demandOption: true,
      describe: `one source, or several: ${SOURCES}`,
    },
  },
  options: {
    out: requiredText(
      'out',
      'folder of the model; the same command goes on with a learning that was stopped',
    ),
    minutes: numberOption(
      'minutes',
      'time for everything; default: 20, or what the learning was begun with',
      {
        above: 0,
      },
    ),
    ...folderOptions,
    backend: backendOption,
    json: jsonOption,
    quiet: quietOption,
  },
  examples: [
    [
      'easel learn photos --out models/photos',
      'learn for 20 minutes; then: easel generate "a cat" --model models/photos',
    ],
    ['easel learn photos --out models/photos --minutes 60', 'more time, better pictures'],
  ],
  run: (args) =>
    interruptible(async (signal) => {
      await prepareOutputFolder(args.out);
      await startBackend(args);
      const { onEvent, finish } = showStages(LEARN_STAGES, args.quiet);
      const sources = args.pictures.map((path) => ({ path, captions: args.captions }));
      const { complete, model, pictures, captions, seconds } = await learnPictures(sources, {
        out: args.out,
        minutes: args.minutes,
        captionLines: captionLinesOf(args),
        signal,
        onEvent,
      }).finally(finish);
      if (!complete) {
        process.exitCode = interruptedExitCode();
        process.stderr.write('Stopped; the same command goes on from here.\n');
        return;
      }
      const sheet = await drawSheet(model, captions, { quiet: args.quiet, signal });
      if (args.json)
        process.stdout.write(`${JSON.stringify({ model, sheet, pictures, captions, seconds })}\n`);
      else {
        const [prompt = 'a cat'] = captions;
        process.stdout.write(`${model}\n${sheet}\n`);
        if (!args.quiet)
          process.stderr.write(
            `Learnt ${pictures} pictures in ${formatSeconds(seconds)}. Draw with: easel generate ${JSON.stringify(prompt)} --model ${model}\n`,
          );
      }
    }),
});
