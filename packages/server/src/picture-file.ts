import type { Raster } from '@easel/core';
import type { GenerationSettings } from '@easel/draw';
import { pictureTexts, searchToJson, settingsFor } from '@easel/draw/internals';
import { encodePng } from '@easel/draw/internals/node';
import { addPngText } from '@easel/draw/node';

/** What the file of a picture says of it. */
export interface PictureOrigin {
  readonly prompt: string;
  readonly index: number;
  readonly seed: number;
  /** Name of the model. */
  readonly model: string;
  /** The model's settings, and those in place of them. */
  readonly ofModel: GenerationSettings;
  readonly given: Partial<GenerationSettings>;
}

/** Encodes a finished picture as a PNG file that says how it was made, as `easel generate` does. */
export async function pictureFile(pixels: Raster, origin: PictureOrigin): Promise<Buffer> {
  const { prompt, index, seed, model, ofModel, given } = origin;
  const search = { way: 'dalle-mini' } as const;
  const settings = searchToJson(search, settingsFor(search, ofModel, given), false);
  return addPngText(await encodePng(pixels), pictureTexts({ prompt, index, seed, model, ...settings }));
}

/** Encodes a preview as the base64 of a PNG file. */
export async function previewFile(pixels: Raster): Promise<string> {
  return Buffer.from(await encodePng(pixels)).toString('base64');
}
