import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { generateTokens, iterationKeys } from '@easel/bart';
import { openDalleBart } from '@easel/bart/node';
import { CheckpointError, ConfigError, type Key } from '@easel/core';
import { openVqgan } from '@easel/vqgan/node';
import { drawTokens, tokensOfPicture } from './draw-tokens.js';
import { type GenerationSettings, readGenerationSettings } from './generation-settings.js';
import type { Pixels } from './picture-file.js';

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
  readonly pixels: Pixels;
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
  /** What differs from the model folder's settings. */
  readonly settings?: Partial<GenerationSettings>;
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
  const { prompts, images = 1, seed = 0, batch = 8, signal, onTokens } = options;
  const { topK, topP, temperature, conditionScale } = { ...model.settings, ...options.settings };
  const { model: bart, processor, config } = model.bart;
  const keys = iterationKeys(seed, images);
  const wanted = prompts.flatMap((prompt, promptIndex) =>
    Array.from({ length: images }, (_, index) => ({ prompt, promptIndex, index })),
  );
  const total = wanted.length * config.imageLength;
  for (let begin = 0; begin < wanted.length && !signal?.aborted; begin += batch) {
    const some = wanted.slice(begin, begin + batch);
    const rows = await generateTokens(bart, processor.process(some.map(({ prompt }) => prompt)), {
      rowKeys: some.map(({ index }) => keys[index] as Key),
      topK,
      topP,
      temperature,
      conditionScale,
      ...(signal === undefined ? {} : { signal }),
      onToken: ({ step }) => onTokens?.(begin * config.imageLength + step * some.length, total),
    });
    const pictures = await drawTokens(model.vqgan, rows);
    for (const [i, pixels] of pictures.entries()) {
      const wish = some[i];
      const tokens = rows[i];
      if (wish !== undefined && tokens !== undefined) yield { ...wish, tokens, pixels };
    }
  }
}
