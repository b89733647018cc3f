import * as tf from '@tensorflow/tfjs';
import type { NativeBackend } from '../backend.js';
import { NO_EPILOGUE } from './epilogue.js';
import { type NativeKernel, nativeKernel, runOnCpu, sizeOf } from './kernel.js';
import { matrixProduct, productShape } from './matrix-product.js';
import { transposed } from './movement.js';

/** A tensor whose axes have letters. */
interface Lettered {
  readonly info: tf.TensorInfo;
  readonly letters: string;
}

const only = (letters: string, test: (letter: string) => boolean): string =>
  [...letters].filter(test).join('');

/** One call of the kernel: its intermediate tensors are given back at its end. */
class Contraction {
  private readonly backend: NativeBackend;
  private readonly made: tf.TensorInfo[] = [];

  constructor(backend: NativeBackend) {
    this.backend = backend;
  }

  private keep(info: tf.TensorInfo): tf.TensorInfo {
    this.made.push(info);
    return info;
  }

  /** The tensor summed over its axes that are not among `wanted`. */
  summed({ info, letters }: Lettered, wanted: string): Lettered {
    const axis = [...letters].flatMap((letter, i) => (wanted.includes(letter) ? [] : [i]));
    if (axis.length === 0) return { info, letters };
    const { kernelFunc } = tf.getKernel(tf.Sum, 'native');
    const sum = kernelFunc({ inputs: { x: info }, attrs: { axis, keepDims: false }, backend: this.backend });
    return {
      info: this.keep(sum as tf.TensorInfo),
      letters: only(letters, (letter) => wanted.includes(letter)),
    };
  }

  /** The tensor with its axes in another order. */
  ordered({ info, letters }: Lettered, order: string): tf.TensorInfo {
    if (letters === order) return info;
    return this.keep(
      transposed(
        this.backend,
        info,
        [...order].map((letter) => letters.indexOf(letter)),
      ),
    );
  }

  /** The tensor as matrices; op transposes them if their rows are the axes that are summed. */
  private matrices(x: Lettered, batch: string, rows: string, columns: string): [tf.TensorInfo, boolean] {
    const flipped = x.letters !== batch + rows + columns && x.letters === batch + columns + rows;
    const order = flipped ? x.letters : batch + rows + columns;
    const extent = (letters: string) =>
      sizeOf([...letters].map((letter) => x.info.shape[x.letters.indexOf(letter)] as number));
    const [m, n] = [extent(rows), extent(columns)];
    const shape = [extent(batch), ...(flipped ? [n, m] : [m, n])];
    return [this.keep(this.backend.alias(this.ordered(x, order), shape)), flipped];
  }

  /** Σ over the letters that both have and `out` has not: products of matrices. */
  product(a: Lettered, b: Lettered, out: string): Lettered {
    const inBoth = (letter: string) => b.letters.includes(letter) && a.letters.includes(letter);
    const batch = only(a.letters, (letter) => inBoth(letter) && out.includes(letter));
    const inner = only(a.letters, (letter) => inBoth(letter) && !out.includes(letter));
    const left = only(a.letters, (letter) => !b.letters.includes(letter));
    const right = only(b.letters, (letter) => !a.letters.includes(letter));
    const [x, transposeX] = this.matrices(a, batch, left, inner);
    const [y, transposeY] = this.matrices(b, batch, inner, right);
    const shape = productShape(x.shape, y.shape, transposeX, transposeY);
    const z = this.keep(matrixProduct(this.backend, x, y, transposeX, transposeY, shape, NO_EPILOGUE));
    const letters = batch + left + right;
    const extents = [...letters].map((letter) => {
      const from = a.letters.includes(letter) ? a : b;
      return from.info.shape[from.letters.indexOf(letter)] as number;
    });
    return { info: this.keep(this.backend.alias(z, extents)), letters };
  }

  /** The result, which outlives what was made on the way. */
  finish(x: Lettered, out: string): tf.TensorInfo {
    const result = this.ordered(x, out);
    const own = this.made.includes(result) ? result : this.backend.alias(result, result.shape);
    for (const info of this.made) if (info !== own) this.backend.disposeIntermediateTensorInfo(info);
    return own;
  }
}

/**
 * Einstein's sum of one or two float32 tensors, as products of matrices: axes that both have and
 * the output keeps are the batch, axes that both have and it does not keep are summed by the
 * product, and an axis of one tensor alone that it does not keep is summed before.
 *
 * tfjs's cpu kernel multiplies the tensors over all axes at once and sums then: the scores of 8
 * heads of attention over 256 places make 33 M numbers on the way.
 */
const einsum = nativeKernel(tf.Einsum, (args) => {
  const tensors = Object.values(args.inputs);
  const equation = (args.attrs.equation as string).replace(/\s/g, '');
  const { allDims, idDims } = tf.backend_util.decodeEinsumEquation(equation, tensors.length);
  tf.backend_util.checkEinsumDimSizes(allDims.length, idDims, tensors as tf.Tensor[]);
  const [terms, out] = equation.split('->') as [string, string];
  const repeats = new Set(out).size !== out.length;
  if (repeats || tensors.some(({ dtype, shape }) => dtype !== 'float32' || sizeOf(shape) === 0))
    return runOnCpu(tf.Einsum, args);
  const letters = terms.split(',');
  const work = new Contraction(args.backend);
  const [a, b] = tensors.map((info, i) => {
    const others = letters.filter((_, other) => other !== i).join('');
    return work.summed({ info, letters: letters[i] as string }, out + others);
  }) as [Lettered, Lettered | undefined];
  return work.finish(b === undefined ? a : work.product(a, b, out), out);
});

/** Einstein's sums. */
export const einsumKernels: readonly NativeKernel[] = [einsum];
