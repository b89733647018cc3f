import { comparedFeatures } from './compared-features.js';
import { featureDistance } from './retrieval.js';

/** A drawing is shifted by up to so many pixels each way. */
const MOST = 2;

const STEPS = Array.from({ length: 2 * MOST + 1 }, (_, i) => i - MOST);
const SHIFTS = STEPS.flatMap((dy) => STEPS.map((dx) => ({ dx, dy })));

/**
 * A drawing that is compared with renderings. It is shifted by up to two pixels each way, and a
 * rendering's distance is that of the best shift, for right renderings and contrasts alike. Pixels
 * at the edge fill what a shift leaves open.
 */
export class ShiftedDrawing {
  private readonly unshifted: Float32Array;
  private readonly shifted: readonly Float32Array[];
  /** The greatest distance between the drawing and a shift of it. */
  private readonly reach: number;

  /** `pixels`: uint8 [side, side, 3]; `side` is a multiple of 16. */
  constructor(pixels: Uint8Array, side: number) {
    this.unshifted = comparedFeatures(pixels, side);
    this.shifted = SHIFTS.filter(({ dx, dy }) => dx !== 0 || dy !== 0).map(({ dx, dy }) =>
      comparedFeatures(shift(pixels, side, dx, dy), side),
    );
    this.reach = Math.max(...this.shifted.map((features) => featureDistance(features, this.unshifted)));
  }

  /** Returns the distance to a rendering's features. */
  distance(rendering: Float32Array): number {
    let least = featureDistance(this.unshifted, rendering);
    for (const features of this.shifted) least = Math.min(least, featureDistance(features, rendering));
    return least;
  }

  /** Whether a rendering is nearer than `distance`. Most answers need no look at the shifts. */
  isWithin(rendering: Float32Array, distance: number): boolean {
    const straight = featureDistance(this.unshifted, rendering);
    if (straight < distance) return true;
    // No shift is nearer than this, by the triangle inequality.
    if (straight - this.reach >= distance) return false;
    return this.shifted.some((features) => isNearer(features, rendering, distance));
  }
}

/** Numbers of a distance that are added before it is compared. */
const BLOCK = 64;

/** Whether features are nearer than `distance`; it stops adding once they are not. */
function isNearer(a: Float32Array, b: Float32Array, distance: number): boolean {
  const most = distance * distance;
  let sum = 0;
  for (let begin = 0; begin < a.length; begin += BLOCK) {
    for (let i = begin; i < begin + BLOCK; i++) {
      const difference = (a[i] as number) - (b[i] as number);
      sum += difference * difference;
    }
    if (sum >= most) return false;
  }
  return Math.sqrt(sum) < distance; // as featureDistance rounds
}

function shift(pixels: Uint8Array, side: number, dx: number, dy: number): Uint8Array {
  const inside = (v: number) => Math.min(side - 1, Math.max(0, v));
  const out = new Uint8Array(pixels.length);
  for (let y = 0; y < side; y++) {
    const row = inside(y - dy) * side;
    for (let x = 0; x < side; x++) {
      const from = (row + inside(x - dx)) * 3;
      const to = (y * side + x) * 3;
      out[to] = pixels[from] as number;
      out[to + 1] = pixels[from + 1] as number;
      out[to + 2] = pixels[from + 2] as number;
    }
  }
  return out;
}
