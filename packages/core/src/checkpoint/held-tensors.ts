import * as tf from '@tensorflow/tfjs';
import type { FloatDtype } from 'safetensors-ts';

/**
 * What the native backend returns for tensors whose values are to be written to files while the
 * program goes on.
 */
interface HeldValues {
  readonly begun: Promise<void>;
  writeTo(file: number, order: readonly number[], format: FloatDtype): Promise<void>;
  release(): void;
}

/** A backend that can write files on a thread of its own. */
interface HoldingBackend {
  hold?(tensors: readonly tf.TensorInfo[], writes: number): HeldValues | undefined;
}

/**
 * Tensors as they are now, for `saveSafetensors`, while the program changes them. They are not
 * copied. An optimizer that updates in place moves to other memory, as long as the old values are
 * still to be written. `holdTensors` makes this.
 */
export class HeldTensors {
  readonly tensors: ReadonlyMap<string, tf.Tensor>;
  private readonly values: HeldValues;
  private readonly index: ReadonlyMap<string, number>;

  constructor(tensors: ReadonlyMap<string, tf.Tensor>, values: HeldValues) {
    this.tensors = tensors;
    this.values = values;
    this.index = new Map([...tensors.keys()].map((name, i) => [name, i]));
  }

  /** Settles when as many files have begun to be written as were announced. */
  get begun(): Promise<void> {
    return this.values.begun;
  }

  /** Writes tensors to an open file at its position, and syncs the file. Throws as node:fs does. */
  writeTo(file: number, names: readonly string[], dtype: FloatDtype): Promise<void> {
    const order = names.map((name) => this.index.get(name) as number);
    return this.values.writeTo(file, order, dtype);
  }

  /** Releases the memory, except what is being written. */
  release(): void {
    this.values.release();
  }
}

/**
 * Holds the present values of tensors for `files` calls of `saveSafetensors`. The caller releases
 * them at the end. Returns undefined where the running backend cannot hold tensors: then save them
 * before they change.
 */
export function holdTensors(tensors: ReadonlyMap<string, tf.Tensor>, files = 1): HeldTensors | undefined {
  const backend = tf.backend() as HoldingBackend;
  const list = [...tensors.values()];
  const isNumeric = list.every(({ dtype }) => dtype === 'float32' || dtype === 'int32' || dtype === 'bool');
  const values = isNumeric ? backend.hold?.(list, files) : undefined;
  return values && new HeldTensors(tensors, values);
}
