import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pictureGrid } from '@easel/core';
import { integer, oneOf, optional, real, type Settings, section, text } from '@easel/core/config';
import { writeFileAtomic } from '@easel/core/internals/node';
import { openPictureModel } from '@easel/draw/node';
import { drawJudged } from '../judge/draw-judged.js';
import { type Drawings, judgeDrawings } from '../judge/judge-drawings.js';
import { type JudgedPrompt, openJudgedPrompts } from '../judge/judged-prompts.js';
import { MetricsLog } from '../run/metrics-log.js';
import type { SweepKind, SweepRunOptions } from './sweep-kind.js';

const fields = {
  kind: oneOf(['drawing']),
  /** Path of a model folder with its VQGAN. */
  model: text(),
  /**
   * Path of a file of judged prompts (see `openJudgedPrompts`), or of a folder of pictures that
   * holds one as prompts.json.
   */
  pictures: text(),
  /** Name of the list of prompts. Null: the first list. */
  list: optional(text()),
  /** How many prompts of the list are drawn, from the first on. */
  prompts: integer({ min: 1, default: 48 }),
  /** Number of pictures of each prompt. */
  perPrompt: integer({ min: 2, default: 4 }),
  /** Number of pictures that are drawn at a time. */
  batchSize: integer({ min: 1, default: 16 }),
  seed: integer({ min: 0, max: 2 ** 32 - 1, default: 0 }),
  /** The settings of `easel generate`. Null: as the model draws, by its generation.json. */
  temperature: optional(real({ above: 0 })),
  topK: optional(integer({ min: 0 })),
  topP: optional(real({ above: 0, max: 1 })),
  conditionScale: optional(real()),
};

type DrawingSettings = Settings<typeof fields>;

const read = (settings: unknown): DrawingSettings => section(fields)(settings, 'settings: ');

/** Number of prompts in the picture that is kept. */
const SHOWN_PROMPTS = 8;

/**
 * Draws with a finished model and judges the drawings against the pictures that the model learnt.
 * Its numbers are those of a Judgement under `drawing`, e.g. `drawing.top1`. Its folder holds its
 * settings as config.json, one line of metrics.jsonl, and the first prompts' drawings in samples/.
 */
export const drawingKind: SweepKind = {
  name: 'drawing',
  unit: 'pictures',
  check: (settings) => {
    const { prompts, perPrompt } = read(settings);
    return prompts * perPrompt;
  },
  run: async (given, options) => {
    const settings = read(given);
    const { pictures, list, prompts: count, perPrompt } = settings;
    const began = performance.now();
    const judged = await openJudgedPrompts(pictures, { list, count });
    const drawn = await draw(settings, judged.prompts, options);
    if (drawn === null) return false;
    const judgement = judgeDrawings(judged, drawn, perPrompt);
    await mkdir(options.out, { recursive: true });
    const config = `${JSON.stringify({ ...settings, list: judged.name }, null, 2)}\n`;
    await writeFileAtomic(join(options.out, 'config.json'), config);
    const log = await MetricsLog.open(options.out, 0, false);
    const shown = judged.prompts.slice(0, SHOWN_PROMPTS).map(({ prompt }) => prompt);
    const grid = pictureGrid(drawn.pictures.slice(0, shown.length * perPrompt), perPrompt);
    await log.addPicture('samples', 1, grid, shown);
    const seconds = Number(((performance.now() - began) / 1000).toPrecision(4));
    await log.add({ step: 1, kind: 'drawing', ...judgement, seconds });
    return true;
  },
};

/** Draws the prompts. Returns null if the signal stopped it. */
async function draw(
  { model: folder, seed, perPrompt, batchSize, temperature, topK, topP, conditionScale }: DrawingSettings,
  wanted: readonly JudgedPrompt[],
  { signal, onProgress }: SweepRunOptions,
): Promise<Drawings | null> {
  const model = await openPictureModel(folder);
  try {
    return await drawJudged(model, wanted, {
      perPrompt,
      seed,
      batch: batchSize,
      settings: {
        ...(temperature !== null && { temperature }),
        ...(topK !== null && { topK }),
        ...(topP !== null && { topP }),
        ...(conditionScale !== null && { conditionScale }),
      },
      signal,
      onProgress: (done, total) => onProgress(done, total, ''),
    });
  } catch (error) {
    if (signal?.aborted && error === signal.reason) return null;
    throw error;
  } finally {
    model.dispose();
  }
}
