import type { ImageTokenModel, Processor } from '@easel/bart';
import type { Key, Raster } from '@easel/core';
import { drawTokens, type Vqgan } from '@easel/vqgan';
import type { GenerationSettings } from './generation-settings.js';
import { iterationKeys } from './iteration-keys.js';
import type { EmojiCaptions } from './prompt/emoji-captions.js';
import type { WordList } from './prompt/word-list.js';
import { findTokens, settingsFor, type TokenSearch } from './token-search.js';

/**
 * The parts that draw: a text model, which writes codes, and the VQGAN that turns them into pixels.
 * The two must pass `checkBelongTogether`.
 */
export interface PictureParts {
  readonly text: { readonly model: ImageTokenModel; readonly processor: Processor };
  readonly vqgan: Vqgan;
  /** The model's settings, for those that a call does not give. */
  readonly settings: GenerationSettings;
  /** The captions that emoji in prompts stand for, if the model has such a list. */
  readonly emoji?: EmojiCaptions | undefined;
  /** The words of the captions that the model learnt, if it has such a list. */
  readonly words?: WordList | undefined;
}

/** A finished picture. */
export interface Picture {
  readonly prompt: string;
  /** Index of the prompt in the list. */
  readonly promptIndex: number;
  /** Number of this picture among those of its prompt, from 0. */
  readonly index: number;
  /** The T image codes, row by row. */
  readonly tokens: Int32Array;
  readonly pixels: Raster;
}

/** Options of `generatePictures`. */
export interface GeneratePicturesOptions {
  readonly prompts: readonly string[];
  /** Number of pictures of each prompt (default 1). */
  readonly images?: number;
  /**
   * Seed of the noise (default 0). Picture i of a prompt depends on model, prompt, seed, settings
   * and i alone.
   */
  readonly seed?: number;
  /**
   * Number of pictures drawn at a time (default 8). More is faster and takes more memory. A beam
   * search draws one at a time.
   */
  readonly batch?: number;
  /** Settings in place of the model's own. A beam search ignores them. */
  readonly settings?: Partial<GenerationSettings>;
  /** The way of finding codes (default: they are drawn as DALL·E mini draws them). */
  readonly search?: TokenSearch;
  /**
   * Whether ids without a code may be drawn, as in the original (default false). A picture with
   * such an id becomes black, as in the original.
   */
  readonly allIds?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Called after each decoding step with the number of codes drawn so far, of `total` in all. */
  readonly onTokens?: (done: number, total: number) => void;
}

/**
 * Draws pictures, a batch at a time. Each batch's pictures come as soon as the batch is finished,
 * and the pictures of a prompt come in order. An abort ends the drawing after the present step,
 * with the signal's reason. The present batch is then lost; earlier batches have been handed out.
 *
 * Throws ConfigError for a setting out of range, DataError for a prompt with an id that the model
 * has no embedding of.
 */
export async function* generatePictures(
  { text, vqgan, settings: ofModel, emoji }: PictureParts,
  options: GeneratePicturesOptions,
): AsyncGenerator<Picture> {
  const { prompts, images = 1, seed = 0, signal, onTokens, allIds = false } = options;
  const { search = { way: 'dalle-mini' } } = options;
  const batch = search.way === 'beams' ? 1 : (options.batch ?? 8); // a beam search ends for all its prompts at once, so each prompt has its own
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
    const inputs = processor.process(some.map(({ prompt }) => emoji?.apply(prompt) ?? prompt));
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

/**
 * Draws the picture of each row of ids. A row that has an id without a code gives a black picture.
 */
async function drawRows(vqgan: Vqgan, rows: readonly Int32Array[]): Promise<Raster[]> {
  const { nEmbed } = vqgan.config;
  const whole = (row: Int32Array) => row.every((id) => id < nEmbed);
  // For such rows code 0 is drawn, which gives a picture of the right size.
  const drawn = await drawTokens(
    vqgan,
    rows.map((row) => row.map((id) => (id < nEmbed ? id : 0))),
  );
  return drawn.map((pixels, i) =>
    whole(rows[i] as Int32Array) ? pixels : { ...pixels, data: new Uint8Array(pixels.data.length) },
  );
}
