import { appendFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, pictureGrid, type Raster } from '@easel/core';
import { integer, oneOf, real, type Settings, section, text } from '@easel/core/config';
import { readJsonFile, writeFileAtomic } from '@easel/core/node';
import { generatePictures } from '@easel/draw';
import { openPictureModel } from '@easel/draw/node';
import { decodePicture, defaultPictureShape } from '../decoded/decode-picture.js';
import {
  featureDistance,
  type GalleryPicture,
  nearestConcepts,
  pictureFeatures,
} from '../judge/retrieval.js';
import { encodePng } from '../run/encode-png.js';
import type { SweepKind, SweepRunOptions } from './sweep-kind.js';

const fields = {
  kind: oneOf(['drawing']),
  /** Model folder, with its VQGAN. */
  model: text(),
  /** Folder of the pictures that the model learnt, with prompts.json, as data/emoji/build.mjs makes it. */
  pictures: text(),
  /** Which prompts of prompts.json. */
  list: oneOf(['canonical', 'paraphrase', 'unseen']),
  /** The first so many of them. */
  prompts: integer({ min: 1, default: 48 }),
  /** Pictures of each. */
  perPrompt: integer({ min: 2, default: 4 }),
  /** Pictures drawn at a time. */
  batchSize: integer({ min: 1, default: 16 }),
  seed: integer({ min: 0, max: 2 ** 32 - 1, default: 0 }),
  /** As `easel generate` has them. */
  temperature: real({ above: 0, default: 1 }),
  topK: integer({ min: 0, default: 50 }),
  topP: real({ above: 0, max: 1, default: 1 }),
  conditionScale: real({ default: 1 }),
};

type DrawingSettings = Settings<typeof fields>;

const read = (settings: unknown): DrawingSettings => section(fields)(settings, 'settings: ');

/** Features are taken of pictures of this side. */
const SIDE = 64;
/** Prompts of the picture that is kept. */
const SHOWN_PROMPTS = 8;

interface Wish {
  readonly prompt: string;
  readonly file: string;
  readonly concept: string;
}

/**
 * Drawing with a finished model, judged against the pictures that it learnt: `drawing.top1` and `top5`, percent of the drawings that have their own concept
 * nearest or among the five nearest (features of `retrieval.ts`); `distance` to the own picture; `diversity`, the mean distance between two drawings of one prompt, and
 * `agreement`, the share of places in which two of them have the same token.
 */
export const drawingKind: SweepKind = {
  name: 'drawing',
  unit: 'pictures',
  check: (settings) => {
    const { prompts, perPrompt } = read(settings);
    return prompts * perPrompt;
  },
  run: async (given, options) => {
    const settings = read(given);
    const began = performance.now();
    const { wishes, gallery } = await openGallery(settings);
    const drawn = await draw(settings, wishes, options);
    if (drawn === null) return false;
    const numbers = judge(settings, wishes, gallery, drawn);
    await mkdir(join(options.out, 'samples'), { recursive: true });
    const shown = drawn.pictures.slice(0, Math.min(SHOWN_PROMPTS, wishes.length) * settings.perPrompt);
    const png = await encodePng(pictureGrid(shown, settings.perPrompt));
    await writeFileAtomic(join(options.out, 'samples', 'step-00000001.png'), png);
    const prompts = wishes.slice(0, SHOWN_PROMPTS).map(({ prompt }) => prompt);
    const config = { ...settings, steps: 1, samples: { prompts } };
    await writeFileAtomic(join(options.out, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
    const seconds = Number(((performance.now() - began) / 1000).toPrecision(4));
    const line = { step: 1, kind: 'drawing', ...numbers, seconds };
    await appendFile(join(options.out, 'metrics.jsonl'), `${JSON.stringify(line)}\n`);
    return true;
  },
};

/** The prompts that are drawn, and every real picture. Throws DataError if the folder has none. */
async function openGallery({
  pictures,
  list,
  prompts,
}: DrawingSettings): Promise<{ wishes: Wish[]; gallery: GalleryPicture[] }> {
  const lists = (await readJsonFile(join(pictures, 'prompts.json'))) as Record<string, Wish[]>;
  const { canonical, [list]: named } = lists;
  if (canonical === undefined || named === undefined || named.length < prompts)
    throw new DataError(
      `${join(pictures, 'prompts.json')}: expected the list "canonical" and ${prompts} prompts in "${list}", it has ${named?.length ?? 'none'}. Make it with node data/emoji/build.mjs.`,
    );
  const gallery: GalleryPicture[] = [];
  for (const { file, concept } of canonical) {
    const pixels = await decodePicture(join(pictures, file), { ...defaultPictureShape, size: SIDE });
    gallery.push({ concept, features: pictureFeatures(pixels, SIDE) });
  }
  return { wishes: named.slice(0, prompts), gallery };
}

interface Drawn {
  /** All pictures of the first prompt, then those of the second, …. */
  readonly pictures: readonly Raster[];
  readonly tokens: readonly Int32Array[];
}

/** Null if the signal stopped it. Picture i of a prompt depends on seed, settings and i alone. */
async function draw(
  { model: folder, seed, perPrompt, batchSize, temperature, topK, topP, conditionScale }: DrawingSettings,
  wishes: readonly Wish[],
  { signal, onProgress }: SweepRunOptions,
): Promise<Drawn | null> {
  const model = await openPictureModel(folder);
  try {
    const wanted = wishes.length * perPrompt;
    const pictures: Raster[] = [];
    const tokens: Int32Array[] = [];
    const drawn = generatePictures(model, {
      prompts: wishes.map(({ prompt }) => prompt),
      images: perPrompt,
      seed,
      batch: batchSize,
      settings: { temperature, topK, topP, conditionScale },
      signal,
    });
    for await (const picture of drawn) {
      tokens.push(picture.tokens);
      pictures.push(picture.pixels);
      const endsBatch = tokens.length % batchSize === 0 || tokens.length === wanted;
      if (endsBatch) onProgress(tokens.length, wanted, '');
    }
    return tokens.length === wanted ? { pictures, tokens } : null;
  } catch (error) {
    if (signal?.aborted && error === signal.reason) return null;
    throw error;
  } finally {
    model.dispose();
  }
}

function judge(
  { perPrompt }: DrawingSettings,
  wishes: readonly Wish[],
  gallery: readonly GalleryPicture[],
  { pictures, tokens }: Drawn,
): Record<string, number> {
  const own = new Map(gallery.map(({ concept, features }) => [concept, features]));
  const sums = { top1: 0, top5: 0, distance: 0, diversity: 0, agreement: 0 };
  for (const [w, { concept }] of wishes.entries()) {
    const places = Array.from({ length: perPrompt }, (_, i) => w * perPrompt + i);
    const features = places.map((place) => {
      const { data, width } = pictures[place] as Raster;
      return pictureFeatures(data, width);
    });
    for (const drawing of features) {
      const near = nearestConcepts(drawing, gallery, 5);
      if (near[0] === concept) sums.top1 += 100 / perPrompt;
      if (near.includes(concept)) sums.top5 += 100 / perPrompt;
      sums.distance += featureDistance(drawing, own.get(concept) as Float32Array) / perPrompt;
    }
    const pairs = (perPrompt * (perPrompt - 1)) / 2;
    for (let i = 0; i < perPrompt; i++)
      for (let j = i + 1; j < perPrompt; j++) {
        sums.diversity += featureDistance(features[i] as Float32Array, features[j] as Float32Array) / pairs;
        sums.agreement += equalShare(tokens[places[i] as number], tokens[places[j] as number]) / pairs;
      }
  }
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / wishes.length]));
}

function equalShare(a: Int32Array = new Int32Array(), b: Int32Array = new Int32Array()): number {
  return a.reduce((equal, token, i) => equal + Number(token === b[i]), 0) / a.length;
}
