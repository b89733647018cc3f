import { ConfigError } from '@easel/core';

/** A real picture that drawings are compared with. */
export interface GalleryPicture {
  /** What the picture shows. Several pictures may show the same concept. */
  readonly concept: string;
  /** Its `pictureFeatures`. */
  readonly features: Float32Array;
}

/**
 * Returns the features by which pictures are compared: means of RGB in [0, 1] on a grid of 16×16
 * and on one of 8×8, float32 [16·16·3 + 8·8·3]. `pixels`: uint8 [side, side, 3]; `side` is a
 * multiple of 16. Throws ConfigError if it is none.
 */
export function pictureFeatures(pixels: Uint8Array, side: number): Float32Array {
  if (!(Number.isInteger(side / 16) && pixels.length === side * side * 3))
    throw new ConfigError(
      `Judging: expected a square picture whose side is a multiple of 16 pixels, got a side of ${side}.`,
    );
  return Float32Array.from([...meanGrid(pixels, side, 16), ...meanGrid(pixels, side, 8)]);
}

function meanGrid(pixels: Uint8Array, side: number, cells: number): Float32Array {
  const width = side / cells;
  const means = new Float32Array(cells * cells * 3);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const cell = (Math.floor(y / width) * cells + Math.floor(x / width)) * 3;
      for (let c = 0; c < 3; c++)
        means[cell + c] =
          (means[cell + c] as number) + (pixels[(y * side + x) * 3 + c] as number) / (255 * width * width);
    }
  return means;
}

/** Returns the Euclidean distance of two pictures' features. */
export function featureDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (const [i, value] of a.entries()) sum += (value - (b[i] as number)) ** 2;
  return Math.sqrt(sum);
}

/**
 * Returns the concepts of the `count` pictures of the gallery that are nearest to some features,
 * the nearest first.
 */
export function nearestConcepts(
  features: Float32Array,
  gallery: readonly GalleryPicture[],
  count: number,
): string[] {
  return gallery
    .map((picture) => ({ concept: picture.concept, distance: featureDistance(features, picture.features) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ concept }) => concept);
}
