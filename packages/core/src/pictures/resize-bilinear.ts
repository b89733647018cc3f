import { checkRaster, checkSize, type PictureSize, type Raster } from './raster.js';
import { roundHalfEven } from './round-half-even.js';

/** The bits behind the point of a weight. */
const WEIGHT_BITS = 11;
const ONE = 1 << WEIGHT_BITS;

/** The two input places that an output place lies between, and their weights in 2^−11. */
interface Places {
  readonly before: Int32Array;
  readonly after: Int32Array;
  readonly beforeWeight: Int32Array;
  readonly afterWeight: Int32Array;
}

function placesOf(inputs: number, outputs: number): Places {
  const scale = 1 / (outputs / inputs);
  const [before, after, beforeWeight, afterWeight] = [0, 0, 0, 0].map(() => new Int32Array(outputs)) as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  for (let i = 0; i < outputs; i++) {
    const place = Math.fround((i + 0.5) * scale - 0.5);
    const floor = Math.floor(place);
    const part = Math.fround(place - floor);
    before[i] = Math.min(inputs - 1, Math.max(0, floor));
    after[i] = Math.min(inputs - 1, Math.max(0, floor + 1));
    beforeWeight[i] = roundHalfEven(Math.fround(1 - part) * ONE);
    afterWeight[i] = roundHalfEven(part * ONE);
  }
  return { before, after, beforeWeight, afterWeight };
}

/**
 * Resizes a picture of bytes by mixing the four pixels around each place, even where it shrinks:
 * then pixels between are passed over, and fine patterns alias. That is OpenCV's INTER_LINEAR,
 * through which taming-transformers' training data went. Use `resize` for anything else.
 *
 * Weights are rounded to 2^−11, as in OpenCV's plain code. Where the factor is 2 on both axes, 2×2
 * pixels are averaged. Throws ShapeError for an impossible size. Source: OpenCV,
 * `modules/imgproc/src/resize.cpp`.
 */
export function resizeBilinear(picture: Raster, size: PictureSize): Raster {
  checkRaster(picture, 'resizeBilinear');
  checkSize(size, 'resizeBilinear');
  const { width, height } = size;
  if (width === picture.width && height === picture.height) return picture;
  if (picture.width === 2 * width && picture.height === 2 * height) return halve(picture);
  const { data, channels } = picture;
  const columns = placesOf(picture.width, width);
  const rows = placesOf(picture.height, height);
  const line = width * channels;
  const wide = new Int32Array(picture.height * line);
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * picture.width + (columns.before[x] as number)) * channels;
      const next = (y * picture.width + (columns.after[x] as number)) * channels;
      const [a, b] = [columns.beforeWeight[x] as number, columns.afterWeight[x] as number];
      for (let c = 0; c < channels; c++) {
        wide[y * line + x * channels + c] = (data[from + c] as number) * a + (data[next + c] as number) * b;
      }
    }
  }
  const out = new Uint8Array(height * line);
  for (let y = 0; y < height; y++) {
    const [above, below] = [(rows.before[y] as number) * line, (rows.after[y] as number) * line];
    const [a, b] = [rows.beforeWeight[y] as number, rows.afterWeight[y] as number];
    for (let i = 0; i < line; i++) {
      const first = (a * ((wide[above + i] as number) >> 4)) >> 16;
      const second = (b * ((wide[below + i] as number) >> 4)) >> 16;
      out[y * line + i] = (first + second + 2) >> 2;
    }
  }
  return { data: out, width, height, channels };
}

function halve({ data, width, height, channels }: Raster): Raster {
  const row = width * channels;
  const half = { width: width / 2, height: height / 2, channels };
  const out = new Uint8Array(half.width * half.height * channels);
  let to = 0;
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      for (let c = 0; c < channels; c++) {
        const at = y * row + x * channels + c;
        const above = (data[at] as number) + (data[at + channels] as number);
        const below = (data[at + row] as number) + (data[at + row + channels] as number);
        out[to++] = (above + below + 2) >> 2;
      }
    }
  }
  return { data: out, ...half };
}
