/** Element types of the programs' tensors. */
export type FuzzDtype = 'float32' | 'int32' | 'bool' | 'string';

/**
 * A tensor in a file. NaN and infinities are the words 'nan', 'inf' and '-inf'. What a leaf of
 * strings holds is text; what an answer of strings holds is a character for each byte.
 */
export interface FuzzTensor {
  readonly shape: readonly number[];
  readonly dtype: FuzzDtype;
  readonly values: readonly (number | string)[];
}

/**
 * One kernel's run: what it takes is named by its place among the leaves, then the outputs of the
 * earlier steps (the first output of each). `inputs` is a list where the kernel takes any number.
 */
export interface FuzzStep {
  readonly kernel: string;
  readonly inputs: Readonly<Record<string, number>> | readonly number[];
  readonly attrs: Readonly<Record<string, unknown>>;
}

/** A program of one kernel or a chain of them. Its results are the outputs of the last step. */
export interface FuzzProgram {
  readonly family: string;
  readonly leaves: readonly FuzzTensor[];
  readonly steps: readonly FuzzStep[];
  /** Seed of the gradients that flow into the outputs; no gradients where it is left out. */
  readonly dySeed?: number;
  /** Places of the leaves that the gradients are asked for. */
  readonly by?: readonly number[];
  /** Leaves that the program is linear in: the adjoint identity holds for them. */
  readonly linear?: readonly number[];
  /** How far an output may be off, where chance decides; rounding alone where it is left out. */
  readonly absolute?: number;
}

/** What a reference says of a program: its outputs and gradients, or why it refuses it. */
export interface FuzzAnswer {
  readonly outputs?: readonly FuzzTensor[];
  /** One for each of `by`; null where the reference has none. */
  readonly gradients?: readonly (FuzzTensor | null)[];
  /**
   * For each of `by`: how fast Σ⟨y, dy⟩ grows where the leaf goes along `direction`, by finite
   * differences in float64. Null where the function has a kink near by.
   */
  readonly slopes?: readonly (number | null)[];
  readonly error?: string;
}

/** A value as a file holds it. */
export function toFile(value: number): number | string {
  if (Number.isNaN(value)) return 'nan';
  if (Number.isFinite(value)) return Object.is(value, -0) ? 0 : value;
  return value > 0 ? 'inf' : '-inf';
}

const WORDS: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
};

/** A value that a file holds, as a number. */
export function fromFile(value: number | string): number {
  return typeof value === 'number' ? value : (WORDS[value] ?? Number.NaN);
}

/**
 * The values that flow back into an output of `size` elements: sixteenths in [−2, 2), the same in
 * Python.
 */
export function seeds(size: number, seed: number): number[] {
  let state = (Math.imul(seed, 2654435761) >>> 0) | 1;
  return Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 26) / 16 - 2;
  });
}

/** The way that a leaf of `size` elements goes where slopes are asked for. */
export const direction = (size: number, dySeed: number): number[] => seeds(size, dySeed + 1234);
