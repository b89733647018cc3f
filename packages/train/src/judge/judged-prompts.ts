import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataError } from '@easel/core';
import { list, named, readSettings, section, text } from '@easel/core/config';
import { didYouMean } from '@easel/core/internals';
import { readJsonFile } from '@easel/core/node';
import { decodePicture, defaultPictureShape } from '../decoded/decode-picture.js';
import { type GalleryPicture, pictureFeatures } from './retrieval.js';

/** A prompt and the real picture that it asks for. */
export interface JudgedPrompt {
  readonly prompt: string;
  /** A picture file, relative to the file of prompts. */
  readonly file: string;
  /**
   * What the picture shows. A drawing is right if it is nearest to a picture of its prompt's
   * concept.
   */
  readonly concept: string;
}

/** Prompts to draw, and the pictures that drawings are compared with. */
export interface JudgedPrompts {
  /** Name of the list. */
  readonly name: string;
  readonly prompts: readonly JudgedPrompt[];
  /** The pictures of all lists, each once, by their file. */
  readonly gallery: ReadonlyMap<string, GalleryPicture>;
}

/** Name of the file in a folder of pictures. */
const FILE_NAME = 'prompts.json';

/** Side, in pixels, of the pictures whose features are computed. */
export const FEATURE_SIDE = 64;

const read = named(list(section({ prompt: text(), file: text(), concept: text() }), []));

/**
 * Opens a file of judged prompts: JSON that has lists under names of their own.
 *
 *     {
 *       "plain": [{ "prompt": "a red heart", "file": "heart.png", "concept": "red heart" }, …],
 *       "poetic": […]
 *     }
 *
 * Picture files are relative to the file of prompts. The pictures of all lists form the gallery, in
 * which the nearest ones to a drawing are sought.
 *
 * `path`: the file, or a folder that holds it as prompts.json. `wanted.list`: name of the list;
 * null: the first list. `wanted.count`: how many of its first prompts are taken; null: all. Throws ConfigError
 * for a file of another form. Throws DataError for a list that isn't there or is too short, and for
 * a picture that can't be decoded.
 */
export async function openJudgedPrompts(
  path: string,
  wanted: { readonly list: string | null; readonly count: number | null },
): Promise<JudgedPrompts> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const file = isFolder ? join(path, FILE_NAME) : path;
  const lists = readSettings(read, await readJsonFile(file), file);
  const names = Object.keys(lists);
  const name = wanted.list ?? names[0] ?? '';
  const found = lists[name];
  if (found === undefined)
    throw new DataError(
      `${file}: expected a list "${name}" of judged prompts.${didYouMean(name, names)} It has ${names.map((other) => `"${other}"`).join(', ') || 'none'}.`,
    );
  const count = wanted.count ?? found.length;
  if (found.length < count)
    throw new DataError(`${file}: expected ${count} prompts in "${name}", it has ${found.length}.`);
  return {
    name,
    prompts: found.slice(0, count),
    gallery: await galleryOf(dirname(file), Object.values(lists).flat()),
  };
}

async function galleryOf(
  folder: string,
  prompts: readonly JudgedPrompt[],
): Promise<Map<string, GalleryPicture>> {
  const gallery = new Map<string, GalleryPicture>();
  for (const { file, concept } of prompts) {
    if (gallery.has(file)) continue;
    const pixels = await decodePicture(join(folder, file), { ...defaultPictureShape, size: FEATURE_SIDE });
    gallery.set(file, { concept, features: pictureFeatures(pixels, FEATURE_SIDE) });
  }
  return gallery;
}
