import type { Raster } from '@easel/core';
import type { JudgedPrompts } from './judged-prompts.js';
import { featureDistance, type GalleryPicture, nearestConcepts, pictureFeatures } from './retrieval.js';

/** Drawings of prompts: all drawings of the first prompt, then as many of the second, and so on. */
export interface Drawings {
  /** RGB pictures. They are square, and their side is a multiple of 16. */
  readonly pictures: readonly Raster[];
  /** The image tokens of each drawing. */
  readonly tokens: readonly Int32Array[];
}

/**
 * The numbers of a judgement. Each is a mean over the drawings or pairs of a prompt, and then over
 * the prompts.
 */
export interface Judgement {
  /** Percent of the drawings whose nearest picture shows their prompt's concept. */
  readonly top1: number;
  /** Percent of the drawings that have such a picture among the five nearest. */
  readonly top5: number;
  /** Distance of a drawing to the picture that its prompt asks for. */
  readonly distance: number;
  /** Distance between two drawings of one prompt. NaN if each prompt has one drawing. */
  readonly diversity: number;
  /** Share of places at which two drawings of one prompt have the same token. NaN likewise. */
  readonly agreement: number;
}

/** A drawing whose nearest picture shows another concept than its prompt's. */
export interface Miss {
  readonly prompt: string;
  /** Number of the drawing among those of its prompt. */
  readonly drawing: number;
  /** The concept of the nearest picture. */
  readonly nearest: string;
}

/**
 * Judges drawings by the features of `retrieval.ts`. `perPrompt`: number of drawings of each
 * prompt. `onMiss` is told of each drawing that is nearest to another concept.
 */
export function judgeDrawings(
  { prompts, gallery }: JudgedPrompts,
  { pictures, tokens }: Drawings,
  perPrompt: number,
  onMiss?: (miss: Miss) => void,
): Judgement {
  const real = [...gallery.values()];
  const pairs = (perPrompt * (perPrompt - 1)) / 2;
  const sums = { top1: 0, top5: 0, distance: 0, diversity: 0, agreement: 0 };
  for (const [p, { prompt, file, concept }] of prompts.entries()) {
    const own = gallery.get(file) as GalleryPicture;
    const rows = tokens.slice(p * perPrompt, (p + 1) * perPrompt);
    const features = pictures
      .slice(p * perPrompt, (p + 1) * perPrompt)
      .map(({ data, width }) => pictureFeatures(data, width));
    for (const [i, drawing] of features.entries()) {
      const near = nearestConcepts(drawing, real, 5);
      if (near[0] === concept) sums.top1 += 100 / perPrompt;
      else onMiss?.({ prompt, drawing: i, nearest: near[0] as string });
      if (near.includes(concept)) sums.top5 += 100 / perPrompt;
      sums.distance += featureDistance(drawing, own.features) / perPrompt;
      for (let j = i + 1; j < perPrompt; j++) {
        sums.diversity += featureDistance(drawing, features[j] as Float32Array) / pairs;
        sums.agreement += equalShare(rows[i] as Int32Array, rows[j] as Int32Array) / pairs;
      }
    }
  }
  const mean = (sum: number) => sum / prompts.length;
  return {
    top1: mean(sums.top1),
    top5: mean(sums.top5),
    distance: mean(sums.distance),
    diversity: pairs === 0 ? Number.NaN : mean(sums.diversity),
    agreement: pairs === 0 ? Number.NaN : mean(sums.agreement),
  };
}

function equalShare(a: Int32Array, b: Int32Array): number {
  return a.reduce((equal, token, i) => equal + Number(token === b[i]), 0) / a.length;
}
