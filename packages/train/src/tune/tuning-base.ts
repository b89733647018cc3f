import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '@easel/core';
import { downsamplingFactor, type Vqgan } from '@easel/vqgan';
import { isEncoderWeight } from '@easel/vqgan/internals';
import { openVqgan } from '@easel/vqgan/node';
import { codebookPrint, samePrint } from '../encoding/codebook-print.js';
import { modelOfRun } from '../run/model-of-run.js';

/** Where the halves of what is tuned lie. */
export interface TuningBase {
  /** Folder of the text model. */
  readonly model: string;
  /** Folder of its VQGAN, both halves. */
  readonly vqgan: string;
}

/**
 * The model that is tuned and its whole VQGAN: the one given, else that in the model's folder. Runs
 * stand for their models.
 */
export function tuningBase(from: string, vqgan: string | undefined): TuningBase {
  const model = modelOfRun(from);
  return { model, vqgan: vqgan === undefined ? join(model, 'vqgan') : modelOfRun(vqgan) };
}

/**
 * Opens the VQGAN of what is tuned. The caller disposes it. Throws ConfigError if it has no encoder,
 * which turns pictures into tokens, or is another than the model draws with.
 */
export async function openWholeVqgan({ model, vqgan: folder }: TuningBase): Promise<Vqgan> {
  const own = join(model, 'vqgan');
  const vqgan = await openVqgan(folder);
  try {
    if (![...vqgan.namedWeights().keys()].some(isEncoderWeight))
      throw new ConfigError(
        `${folder}: this VQGAN has no encoder, only the half that draws, so pictures can't be turned into the tokens that the model in ${model} knows. Give the whole VQGAN that the model was trained with (--vqgan RUN/model of its easel train-vqgan), or tune another model (--from): those of easel learn have both halves.`,
      );
    if (folder !== own && existsSync(join(own, 'config.json'))) await requireSameVqgan(vqgan, folder, own);
    return vqgan;
  } catch (error) {
    vqgan.dispose();
    throw error;
  }
}

async function requireSameVqgan(given: Vqgan, folder: string, own: string): Promise<void> {
  const other = await openVqgan(own, { decoderOnly: true });
  try {
    const prints = [
      await codebookPrint(given.namedWeights()),
      await codebookPrint(other.namedWeights()),
    ] as const;
    if (!samePrint(...prints))
      throw new ConfigError(
        `${folder}: this is another VQGAN than the one in ${own}, so its tokens would be other pictures. Give the VQGAN that the model was trained with.`,
      );
  } finally {
    other.dispose();
  }
}

/**
 * Side in pixels of the pictures whose tokens a text model of `imageLength` tokens draws. Throws
 * ConfigError if these are no square.
 */
export function sideOf(vqgan: Vqgan, imageLength: number, model: string): number {
  const side = Math.sqrt(imageLength) * downsamplingFactor(vqgan.config);
  if (Number.isInteger(side)) return side;
  throw new ConfigError(
    `${model}: its image_length is ${imageLength}, which is no square of tokens, so that no picture can be encoded for it.`,
  );
}
