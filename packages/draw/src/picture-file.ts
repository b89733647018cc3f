import { DataError, type EaselError, type Raster } from '@easel/core';
import { parseJson } from '@easel/core/internals';
import { encodePng } from './encode-png.js';
import { type GenerationSettings, parseGenerationSettings } from './generation-settings.js';
import { pictureTexts } from './picture-record.js';
import { addPngText, readPngText } from './png-text.js';
import { searchToJson, settingsFor } from './token-search.js';

/** What the file of a picture says of it. */
export interface PictureOrigin {
  readonly prompt: string;
  /** Number of the picture among those of its prompt, from 0. */
  readonly index: number;
  readonly seed: number;
  /** Name of the model. */
  readonly model: string;
  /** The settings in place of the model's own. */
  readonly settings: Partial<GenerationSettings>;
}

/**
 * Encodes a picture that was drawn as DALL·E mini draws, as a PNG file that says how it was made:
 * what `easel generate` writes. ofModel: the model's own settings.
 */
export async function pictureFile(
  pixels: Raster,
  origin: PictureOrigin,
  ofModel: GenerationSettings,
): Promise<Uint8Array<ArrayBuffer>> {
  const { settings, ...others } = origin;
  const search = { way: 'dalle-mini' } as const;
  const drawnWith = searchToJson(search, settingsFor(search, ofModel, settings), false);
  return addPngText(await encodePng(pixels), pictureTexts({ ...others, ...drawnWith }));
}

/** Settings of a record that `pictureFile` writes. */
const SETTINGS = ['top_k', 'top_p', 'temperature', 'condition_scale'];

/**
 * Reads how a picture was made from its PNG file. Throws DataError if `png` is not a PNG file, or
 * does not say it, or says what cannot be. What a later Easel may say beside is ignored. `file` is
 * for messages.
 */
export function readPictureOrigin(png: Uint8Array, file = 'picture'): PictureOrigin {
  const text = readPngText(png, file).get('Easel');
  if (text === undefined)
    throw new DataError(
      `${file}: it does not say how it was made. Was it drawn by Easel, and never changed?`,
    );
  try {
    const record = parseJson(text, file) as Readonly<Record<string, unknown>>;
    const { prompt, index, seed, model } = record;
    if (typeof prompt !== 'string') throw new DataError(`${file}: prompt: expected a text, got ${prompt}.`);
    const settings = Object.fromEntries(
      Object.entries(record).filter(([name, value]) => SETTINGS.includes(name) && value !== null),
    );
    return {
      prompt,
      index: wholeNumber(index ?? 0, file, 'index'),
      seed: wholeNumber(seed, file, 'seed'),
      model: typeof model === 'string' ? model : '',
      settings: parseGenerationSettings(JSON.stringify(settings), file),
    };
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError((error as EaselError).message, { cause: error });
  }
}

function wholeNumber(value: unknown, file: string, name: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32) return value;
  throw new DataError(`${file}: ${name}: expected a whole number from 0 to ${2 ** 32 - 1}, got ${value}.`);
}
