import { ConfigError, type Raster } from '@easel/core';
import { didYouMean, splitPictures } from '@easel/core/internals';
import { type GenerationSettings, generatePictures, type PictureParts } from '@easel/draw';
import { drawTokens, type Vqgan } from '@easel/vqgan';
import * as tf from '@tensorflow/tfjs';
import { judgePrompt } from './judge-prompt.js';
import { type JudgedRow, type PromptVerdicts, rowsOf } from './judged-rows.js';
import type { ContrastedPrompt, JudgedSet } from './judged-set.js';
import { Renderings } from './renderings.js';
import { ShiftedDrawing } from './shifted-drawing.js';

/** Options of `judgeModel`. */
export interface JudgeOptions {
  /** Kinds of prompts (default: all of the set). */
  readonly kinds?: readonly string[] | undefined;
  /** Prompts of each kind and split, at most (default 200). */
  readonly count?: number;
  /** Settings of which each draws all prompts. What one doesn't give is the model's (default: [{}]). */
  readonly settings?: readonly Partial<GenerationSettings>[];
  /** Drawings of each prompt with each setting (default 1). */
  readonly images?: number;
  /** Seed of the drawings (default 0). */
  readonly seed?: number;
  /** Number of pictures drawn at a time (default 16). */
  readonly batch?: number;
  /**
   * Whether the right renderings are judged as drawings, too: as a VQGAN gives them back, or as they
   * are. What they reach is the ceiling.
   */
  readonly ceiling?: Vqgan | 'renderings' | undefined;
  /** How many prompts of each kind and split are returned with their pictures (default 0). */
  readonly samples?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called as drawings are finished. `note` says of what kind they are. */
  readonly onProgress?: ((done: number, total: number, note: string) => void) | undefined;
}

/** The first drawing of a prompt with the first setting, beside what it should be. */
export interface JudgedSample {
  readonly kind: string;
  readonly split: string;
  readonly prompt: string;
  readonly drawing: Raster;
  readonly rendering: Raster;
  /** Axes on which the drawing is wrong. */
  readonly wrong: readonly string[];
}

/** What a judgement found. */
export interface JudgeResult {
  /** A row for each axis of each split of each kind. */
  readonly rows: readonly JudgedRow[];
  readonly verdicts: readonly PromptVerdicts[];
  readonly samples: readonly JudgedSample[];
  /** Whether no signal stopped it. If one did, the kinds that were finished are here. */
  readonly complete: boolean;
}

/** Number of prompts that are drawn, with all settings, and then judged. */
const PART = 64;

/**
 * Draws prompts of a set with a model, and says which drawings show what was asked for. Drawing i of
 * a prompt depends only on the model, the seed, the settings and i.
 *
 * A drawing is right on an axis of its prompt if it is nearer to the right rendering than to every
 * contrast, each at the best of small shifts (`ShiftedDrawing`). A contrast that looks just like the
 * right rendering doesn't count.
 *
 * Throws ConfigError for a kind that the set doesn't have, and for a model whose pictures are not
 * squares with a side of a multiple of 16 pixels; DataError for a rendering of another size.
 */
export async function judgeModel(
  model: PictureParts,
  set: JudgedSet,
  options: JudgeOptions = {},
): Promise<JudgeResult> {
  const { kinds = set.kinds, count = 200, settings = [{}], images = 1, samples = 0, signal } = options;
  for (const kind of kinds)
    if (!set.kinds.includes(kind))
      throw new ConfigError(
        `Judged prompts: no kind "${kind}".${didYouMean(kind, set.kinds)} There are: ${set.kinds.join(', ')}.`,
      );
  const asked: { readonly kind: string; readonly prompts: readonly ContrastedPrompt[] }[] = [];
  for (const kind of kinds) asked.push({ kind, prompts: await set.prompts(kind, count) });
  const total = asked.reduce((sum, { prompts }) => sum + prompts.length, 0) * settings.length * images;

  let renderings: Renderings | undefined;
  let done = 0;
  const rows: JudgedRow[] = [];
  const verdicts: PromptVerdicts[] = [];
  const shown: JudgedSample[] = [];
  for (const { kind, prompts } of asked) {
    const ofKind: PromptVerdicts[] = [];
    const ofSplit = new Map<string, number>();
    for (let begin = 0; begin < prompts.length; begin += PART) {
      const part = prompts.slice(begin, begin + PART);
      const drawn = await draw(model, part, options, () =>
        options.onProgress?.(++done, total, `${kind}: ${begin} of ${prompts.length} prompts judged`),
      );
      if (drawn === null) return { rows, verdicts, samples: shown, complete: false };
      renderings ??= new Renderings(set, sideOf(drawn[0]?.[0] as Raster));
      const ceilings = await ceilingsOf(part, options.ceiling, renderings);
      for (const [p, prompt] of part.entries()) {
        const pictures = drawn[p] as readonly Raster[];
        const ceiling = ceilings?.[p];
        const all = ceiling === undefined ? pictures : [...pictures, ceiling];
        const drawings = all.map(({ data, width }) => new ShiftedDrawing(data, width));
        const right = await judgePrompt(prompt, drawings, renderings);
        ofKind.push(verdictsOf(kind, prompt, right, { settings: settings.length, images }));
        const number = ofSplit.get(prompt.split) ?? 0;
        ofSplit.set(prompt.split, number + 1);
        if (number >= samples) continue;
        const wrong = Object.keys(prompt.axes).filter((axis) => right[axis]?.[0] === false);
        const rendering = rasterOf(await renderings.pixels(prompt.right), renderings.size);
        const { prompt: text, split } = prompt;
        shown.push({ kind, split, prompt: text, drawing: pictures[0] as Raster, rendering, wrong });
      }
      // The computing above never gives way to signals by itself.
      await new Promise((resolve) => setImmediate(resolve));
      if (signal?.aborted) return { rows, verdicts, samples: shown, complete: false };
    }
    rows.push(...rowsOf(kind, prompts, ofKind));
    verdicts.push(...ofKind);
  }
  return { rows, verdicts, samples: shown, complete: true };
}

/**
 * Draws each prompt with all settings, and as often as is asked with each. Returns null if the signal
 * stopped it.
 */
async function draw(
  model: PictureParts,
  wanted: readonly ContrastedPrompt[],
  { settings = [{}], images = 1, seed = 0, batch = 16, signal }: JudgeOptions,
  onPicture: () => void,
): Promise<readonly (readonly Raster[])[] | null> {
  const drawn: Raster[][] = wanted.map(() => []);
  const prompts = wanted.map(({ prompt }) => prompt);
  try {
    for (const one of settings) {
      const options = { prompts, images, seed, batch, settings: one, signal };
      for await (const { promptIndex, pixels } of generatePictures(model, options)) {
        drawn[promptIndex]?.push(pixels);
        onPicture();
      }
    }
  } catch (error) {
    if (signal?.aborted && error === signal.reason) return null;
    throw error;
  }
  return signal?.aborted ? null : drawn;
}

/** Returns the pictures by which the ceiling is judged, if it is asked for. */
async function ceilingsOf(
  prompts: readonly ContrastedPrompt[],
  ceiling: JudgeOptions['ceiling'],
  renderings: Renderings,
): Promise<readonly Raster[] | undefined> {
  if (ceiling === undefined) return undefined;
  const { size } = renderings;
  const pictures: Raster[] = [];
  for (const { right } of prompts) pictures.push(rasterOf(await renderings.pixels(right), size));
  return ceiling === 'renderings' ? pictures : reconstruct(ceiling, pictures);
}

/** Number of pictures that are encoded at a time. */
const ENCODED = 16;

/** Returns what is left of pictures of one size after a VQGAN has made tokens of them. */
async function reconstruct(vqgan: Vqgan, pictures: readonly Raster[]): Promise<Raster[]> {
  const back: Raster[] = [];
  for (let begin = 0; begin < pictures.length; begin += ENCODED) {
    const some = pictures.slice(begin, begin + ENCODED);
    const { height, width } = some[0] as Raster;
    const bytes = Float32Array.from(
      some.flatMap(({ data }) => [...data]),
      (byte) => byte / 255,
    );
    const tokens = tf.tidy(() => vqgan.encode(tf.tensor4d(bytes, [some.length, height, width, 3])));
    const flat = (await tokens.data()) as Int32Array;
    tokens.dispose();
    const length = flat.length / some.length;
    const rows = some.map((_, i) => flat.slice(i * length, (i + 1) * length));
    back.push(...(await drawTokens(vqgan, rows)));
  }
  return back;
}

const rasterOf = (data: Uint8Array, side: number): Raster =>
  splitPictures(data, { height: side, width: side })[0] as Raster;

/** Returns the side of a model's pictures. Throws ConfigError for pictures that can't be judged. */
function sideOf({ height, width }: Raster): number {
  if (width === height && width % 16 === 0) return width;
  throw new ConfigError(
    `Judging: expected a model of square pictures with a side of a multiple of 16 pixels, it draws ${width} × ${height}.`,
  );
}

/** Counts the verdicts of a prompt's drawings, and of its ceiling if that comes last. */
function verdictsOf(
  kind: string,
  { prompt, split }: ContrastedPrompt,
  right: Readonly<Record<string, readonly boolean[]>>,
  { settings, images }: { readonly settings: number; readonly images: number },
): PromptVerdicts {
  const entries = Object.entries(right).map(([axis, verdicts]) => {
    const shares = Array.from(
      { length: settings },
      (_, s) => verdicts.slice(s * images, (s + 1) * images).filter(Boolean).length / images,
    );
    return [axis, { right: shares, ceiling: verdicts[settings * images] ?? null }] as const;
  });
  return { kind, split, prompt, axes: Object.fromEntries(entries) };
}
