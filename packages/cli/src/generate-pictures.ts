import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { iterationKeys } from '@easel/bart';
import { openDalleBart } from '@easel/bart/node';
import { CheckpointError, ConfigError, type Key, type Raster } from '@easel/core';
import { drawTokens, tokensOfPicture } from '@easel/vqgan';
import { openVqgan } from '@easel/vqgan/node';
import { type GenerationSettings, readGenerationSettings } from './generation-settings.js';
import { findTokens, settingsFor, type TokenSearch } from './token-search.js';

/**
 * Opens a model folder: text → codes (the folder itself) and codes → pixels (its `vqgan/`).
 * Throws CheckpointError or ConfigError if a part is missing or the two don't belong together.
 */
export async function openPictureModel(folder: string) {
  const vqganFolder = join(folder, 'vqgan');
  if (!existsSync(join(vqganFolder, 'config.json'))) {
    throw new CheckpointError(
      `Model folder ${folder}: it has no vqgan/config.json, so its codes can't become pixels. Put the VQGAN it was trained with into ${vqganFolder} (easel convert --vqgan does).`,
    );
  }
  const bart = await openDalleBart(folder);
  const vqgan = await openVqgan(vqganFolder, { decoderOnly: true });
  const { imageLength, imageVocabSize } = bart.config;
  const grid = tokensOfPicture(vqgan.config);
  if (!Number.isInteger(Math.sqrt(imageLength)) || imageVocabSize > vqgan.config.nEmbed) {
    throw new ConfigError(
      `Model folder ${folder}: the model draws ${imageLength} of ${imageVocabSize} codes, its vqgan has ${vqgan.config.nEmbed} codes on a grid of ${grid}. Do the two belong together?`,
    );
  }
  const settings = await readGenerationSettings(folder, bart.config);
  const dispose = () => {
    bart.dispose();
    vqgan.dispose();
  };
  return { folder, bart, vqgan, settings, dispose };
}

/** A model folder in memory; `dispose` frees its weights. */
export type PictureModel = Awaited<ReturnType<typeof openPictureModel>>;

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
export interface GenerateOptions {
  readonly prompts: readonly string[];
  /** Pictures of each prompt (default 1). */
  readonly images?: number;
  /** Picture i of a prompt depends on model, prompt, seed, settings and i alone (default 0). */
  readonly seed?: number;
  /** Pictures drawn at a time (default 8): more is faster and takes more memory. */
  readonly batch?: number;
  /** What differs from the model folder's settings; of no meaning to a beam search. */
  readonly settings?: Partial<GenerationSettings>;
  /** How codes are found (default: drawn as DALL·E mini draws). */
  readonly search?: TokenSearch;
  /**
   * Let ids through that have no code (default false), as the original does; a picture with one of them becomes black there, and so it does
   * here.
   */
  readonly allIds?: boolean;
  readonly signal?: AbortSignal;
  /** Called after each decoding step with the codes drawn so far, of `total` in all. */
  readonly onTokens?: (done: number, total: number) => void;
}

/**
 * Draws pictures, a batch at a time: the batches' pictures come as soon as they are finished, all of a prompt in order.
 * An abort ends it after the step in work; the batch in work is lost, those before it were handed out.
 */
export async function* generatePictures(
  model: PictureModel,
  options: GenerateOptions,
): AsyncGenerator<Picture> {
  const { prompts, images = 1, seed = 0, signal, onTokens, allIds = false } = options;
  const { search = { way: 'dalle-mini' } } = options;
  const batch = search.way === 'beams' ? 1 : (options.batch ?? 8); // a search ends for all its prompts at once, so each has its own
  const settings = settingsFor(search, model.settings, options.settings ?? {});
  const { model: bart, processor, config } = model.bart;
  const keys = iterationKeys(seed, images);
  const wanted = prompts.flatMap((prompt, promptIndex) =>
    Array.from({ length: images }, (_, index) => ({ prompt, promptIndex, index })),
  );
  const total = wanted.length * config.imageLength;
  for (let begin = 0; begin < wanted.length && !signal?.aborted; begin += batch) {
    const some = wanted.slice(begin, begin + batch);
    const inputs = processor.process(some.map(({ prompt }) => prompt));
    const rows = await findTokens(bart, inputs, search, {
      settings,
      rowKeys: some.map(({ index }) => keys[index] as Key),
      allIds,
      signal,
      onStep: (step) => onTokens?.(begin * config.imageLength + step * some.length, total),
    });
    const pictures = await drawRows(model.vqgan, rows);
    for (const [i, pixels] of pictures.entries()) {
      const wish = some[i];
      const tokens = rows[i];
      if (wish !== undefined && tokens !== undefined) yield { ...wish, tokens, pixels };
    }
  }
}

/** The pictures of rows of ids; black where a row has an id without a code. */
async function drawRows(vqgan: PictureModel['vqgan'], rows: readonly Int32Array[]): Promise<Raster[]> {
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
