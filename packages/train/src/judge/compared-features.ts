import { pictureFeatures } from './retrieval.js';

/** Cells on a side of the grid within whose cells brightness varies, and of that of its means. */
const FINE = 16;
const COARSE = 8;

/**
 * Returns the features by which drawings are compared with renderings: those of `pictureFeatures`,
 * and how much brightness varies within the cells of its 16×16 grid, as the root mean square of each
 * four cells. Without these a picture made of 16×16 squares would be the same as the picture that it
 * was made of. float32 [16·16·3 + 8·8·3 + 8·8]. `pixels`: uint8 [side, side, 3]; `side` is a multiple
 * of 16.
 */
export function comparedFeatures(pixels: Uint8Array, side: number): Float32Array {
  const means = pictureFeatures(pixels, side);
  const features = new Float32Array(means.length + COARSE * COARSE);
  features.set(means);
  const width = side / FINE;
  const count = width * width;
  for (let cell = 0; cell < FINE * FINE; cell++) {
    const [row, column] = [Math.floor(cell / FINE), cell % FINE];
    let [sum, squares] = [0, 0];
    for (let y = row * width; y < (row + 1) * width; y++) {
      let at = (y * side + column * width) * 3;
      for (const end = at + width * 3; at < end; at += 3) {
        const light = (pixels[at] as number) + 2 * (pixels[at + 1] as number) + (pixels[at + 2] as number); // 4 × 255 at most
        sum += light;
        squares += light * light;
      }
    }
    const variance = (squares - (sum * sum) / count) / (count * 1020 * 1020);
    const of = means.length + (row >> 1) * COARSE + (column >> 1);
    features[of] = (features[of] as number) + Math.max(0, variance) / 4;
  }
  for (let i = means.length; i < features.length; i++) features[i] = Math.sqrt(features[i] as number);
  return features;
}
