import type { ImageTokenModel, Processor } from '@easel/bart';
import type { Key, Raster } from '@easel/core';
import { drawTokens, type Vqgan } from '@easel/vqgan';
import type { GenerationSettings } from './generation-settings.js';
import { iterationKeys } from './iteration-keys.js';
import { findTokens, settingsFor, type TokenSearch } from './token-search.js';

/**
 * What draws: a text model that writes codes and the VQGAN that turns them into pixels, of which
 * `checkBelongTogether` holds.
 */
export interface PictureParts {
  readonly text: { readonly model: ImageTokenModel; readonly processor: Processor };
  readonly vqgan: Vqgan;
  /** How the model draws where nothing else is said. */
  readonly settings: GenerationSettings;
}

/** A finished picture. */
export interface Picture {
  readonly prompt: string;
  /** Place of the prompt in the list. */
  readonly promptIndex: number;
  /** Which of the prompt's pictures this is, from 0. */
  readonly index: number;
  /** Image codes, T of them, row by row. */
  readonly tokens: Int32Array;
  readonly pixels: Raster;
}

/** Which pictures are drawn, and how. */
export interface GeneratePicturesOptions {
  readonly prompts: readonly string[];
  /** Pictures of each prompt (default 1). */
  readonly images?: number;
  /** Picture i of a prompt depends on model, prompt, seed, settings and i alone (default 0). */
  readonly seed?: number;
  /**
   * Pictures drawn at a time (default 8): more is faster and takes more memory. A beam search draws
   * one.
   */
  readonly batch?: number;
  /** What differs from the model's settings; of no meaning to a beam search. */
  readonly settings?: Partial<GenerationSettings>;
  /** How codes are found (default: drawn as DALL·E mini draws). */
  readonly search?: TokenSearch;
  /**
   * Let ids through that have no code (default false), as the original does. A picture with one of
   * them becomes black there, and so it does here.
   */
  readonly allIds?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Called after each decoding step with the codes drawn so far, of `total` in all. */
  readonly onTokens?: (done: number, total: number) => void;
}

/**
 * Draws pictures, a batch at a time: the batches' pictures come as soon as they are finished, all
 * of a prompt in order. An abort ends it after the step in work, with the signal's reason; the
 * batch in work is lost, those before it were handed out.
 *
 * Throws ConfigError for a setting out of range, DataError for a prompt with an id that the model
 * has no embedding of.
 */
export async function* generatePictures(
  { text, vqgan, settings: ofModel }: PictureParts,
  options: GeneratePicturesOptions,
): AsyncGenerator<Picture> {
  const { prompts, images = 1, seed = 0, signal, onTokens, allIds = false } = options;
  const { search = { way: 'dalle-mini' } } = options;
  const batch = search.way === 'beams' ? 1 : (options.batch ?? 8); // a search ends for all its prompts at once, so each has its own
  const settings = settingsFor(search, ofModel, options.settings ?? {});
  const { model, processor } = text;
  const { imageLength } = model.config;
  const keys = iterationKeys(seed, images);
  const wanted = prompts.flatMap((prompt, promptIndex) =>
    Array.from({ length: images }, (_, index) => ({ prompt, promptIndex, index })),
  );
  const total = wanted.length * imageLength;
  for (let begin = 0; begin < wanted.length && !signal?.aborted; begin += batch) {
    const some = wanted.slice(begin, begin + batch);
    const inputs = processor.process(some.map(({ prompt }) => prompt));
    const rows = await findTokens(model, inputs, search, {
      settings,
      rowKeys: some.map(({ index }) => keys[index] as Key),
      allIds,
      signal,
      onStep: (step) => onTokens?.(begin * imageLength + step * some.length, total),
    });
    const pictures = await drawRows(vqgan, rows);
    for (const [i, pixels] of pictures.entries()) {
      const wish = some[i];
      const tokens = rows[i];
      if (wish !== undefined && tokens !== undefined) yield { ...wish, tokens, pixels };
    }
  }
}

/** The pictures of rows of ids; black where a row has an id without a code. */
async function drawRows(vqgan: Vqgan, rows: readonly Int32Array[]): Promise<Raster[]> {
  const { nEmbed } = vqgan.config;
  const whole = (row: Int32Array) => row.every((id) => id < nEmbed);
  // In their place code 0 is drawn, for a picture of the right size.
  const drawn = await drawTokens(
    vqgan,
    rows.map((row) => row.map((id) => (id < nEmbed ? id : 0))),
  );
  return drawn.map((pixels, i) =>
    whole(rows[i] as Int32Array) ? pixels : { ...pixels, data: new Uint8Array(pixels.data.length) },
  );
}
