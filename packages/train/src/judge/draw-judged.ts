import { type GeneratePicturesOptions, generatePictures, type PictureParts } from '@easel/draw';
import type { Drawings } from './judge-drawings.js';
import type { JudgedPrompt } from './judged-prompts.js';

/** How judged prompts are drawn. */
export interface DrawJudgedOptions extends Pick<GeneratePicturesOptions, 'seed' | 'settings' | 'signal'> {
  /** Pictures of each prompt. */
  readonly perPrompt: number;
  /** Pictures that are drawn at a time (default 16). */
  readonly batch?: number;
  /** Called after each batch with the number of drawings that are done, of `total`. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Draws judged prompts. Picture i of a prompt depends only on the model, the seed, the settings and
 * i. Throws the signal's reason if it is aborted.
 */
export async function drawJudged(
  model: PictureParts,
  prompts: readonly JudgedPrompt[],
  { perPrompt, batch = 16, onProgress, signal, ...options }: DrawJudgedOptions,
): Promise<Drawings> {
  const total = prompts.length * perPrompt;
  const pictures: Drawings['pictures'][number][] = [];
  const tokens: Int32Array[] = [];
  const drawn = generatePictures(model, {
    ...options,
    prompts: prompts.map(({ prompt }) => prompt),
    images: perPrompt,
    batch,
    signal,
  });
  for await (const picture of drawn) {
    tokens.push(picture.tokens);
    pictures.push(picture.pixels);
    if (tokens.length % batch === 0 || tokens.length === total) onProgress?.(tokens.length, total);
  }
  signal?.throwIfAborted();
  return { pictures, tokens };
}
