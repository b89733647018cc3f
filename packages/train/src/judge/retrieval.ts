import { ConfigError } from '@easel/core';

/** A real picture that drawings are compared with. */
export interface GalleryPicture {
  /** What the picture shows. Several pictures may show the same concept. */
  readonly concept: string;
  /** Its `pictureFeatures`. */
  readonly features: Float32Array;
}

/** Cells on a side of the two grids, and numbers of both. */
const FINE = 16;
const COARSE = 8;
const FEATURES = (FINE * FINE + COARSE * COARSE) * 3;

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
  const features = new Float32Array(FEATURES);
  const width = side / FINE;
  const unit = 1 / (255 * width * width);
  for (let y = 0; y < side; y++) {
    const row = Math.floor(y / width) * FINE * 3;
    let at = y * side * 3;
    for (let cell = row; cell < row + FINE * 3; cell += 3) {
      let [red, green, blue] = [0, 0, 0];
      for (const end = at + width * 3; at < end; at += 3) {
        red += pixels[at] as number;
        green += pixels[at + 1] as number;
        blue += pixels[at + 2] as number;
      }
      features[cell] = (features[cell] as number) + red * unit;
      features[cell + 1] = (features[cell + 1] as number) + green * unit;
      features[cell + 2] = (features[cell + 2] as number) + blue * unit;
    }
  }
  // A cell of the coarse grid is the mean of four of the fine one.
  for (let i = 0; i < FINE * FINE * 3; i++) {
    const [y, x, c] = [Math.floor(i / (FINE * 3)), Math.floor(i / 3) % FINE, i % 3];
    const coarse = FINE * FINE * 3 + ((y >> 1) * COARSE + (x >> 1)) * 3 + c;
    features[coarse] = (features[coarse] as number) + (features[i] as number) / 4;
  }
  return features;
}

/** Returns the Euclidean distance of two pictures' features. */
export function featureDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    sum += difference * difference;
  }
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
