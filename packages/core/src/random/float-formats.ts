/** The types of float in which numbers can be drawn. */
export type FloatType = 'float32' | 'float16' | 'bfloat16';

/** What drawing needs to know of a type of float. */
export interface FloatFormat {
  /** Stored bits of the significand. */
  readonly mantissaBits: number;
  /**
   * The bits of a random word that jax draws for one number: as wide as the type, but 8 where the
   * significand has fewer.
   */
  readonly wordBits: 8 | 16 | 32;
  /** The smallest normal number. */
  readonly smallestNormal: number;
  /** Rounds to the nearest number of the type; of two equally near, to the even one. */
  round(x: number): number;
  /** The largest number of the type below 1. */
  readonly belowOne: number;
}

export const FLOAT_FORMATS: Readonly<Record<FloatType, FloatFormat>> = {
  float32: {
    mantissaBits: 23,
    wordBits: 32,
    smallestNormal: 2 ** -126,
    round: Math.fround,
    belowOne: 1 - 2 ** -24,
  },
  float16: {
    mantissaBits: 10,
    wordBits: 16,
    smallestNormal: 2 ** -14,
    round: (x) => roundTo(x, 10, -14),
    belowOne: 1 - 2 ** -11,
  },
  bfloat16: {
    mantissaBits: 7,
    wordBits: 8,
    smallestNormal: 2 ** -126,
    round: (x) => roundTo(x, 7, -126),
    belowOne: 1 - 2 ** -8,
  },
};

/**
 * Rounds half to even at the last of `mantissaBits`. Below 2^lowest, steps stay as wide as there.
 * Draws never come near overflow.
 */
function roundTo(x: number, mantissaBits: number, lowest: number): number {
  if (!Number.isFinite(x) || x === 0) return x;
  const exponent = Math.max(lowest, Math.floor(Math.log2(Math.abs(x))));
  const step = 2 ** (exponent - mantissaBits);
  const steps = x / step; // exact: step is a power of two
  const below = Math.floor(steps);
  const rest = steps - below;
  const up = rest > 0.5 || (rest === 0.5 && below % 2 !== 0);
  return (up ? below + 1 : below) * step;
}
