import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { deserialize, type TensorView, toFloat32, typedArray } from 'safetensors-ts';

/**
 * Returns the path of a file or folder of reference/golden, the recorded numbers of the original
 * programs.
 */
export function golden(path = ''): string {
  return fileURLToPath(new URL(`../../../reference/golden/${path}`, import.meta.url));
}

/** Reads a JSON file of recorded numbers. */
export function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}

/** The arrays of a .safetensors file, by name. A missing name gives an error with file and name. */
export class GoldenArrays {
  readonly file: string;
  /** The header's strings. */
  readonly metadata: ReadonlyMap<string, string>;
  private readonly tensors: ReadonlyMap<string, TensorView>;

  constructor(file: string) {
    this.file = file;
    const { header, tensors } = deserialize(readFileSync(file), file);
    this.metadata = header.metadata;
    this.tensors = tensors;
  }

  get names(): string[] {
    return [...this.tensors.keys()];
  }

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  /** Parses a value of the header that is JSON. Returns undefined if it is not there. */
  setting<T>(key: string): T | undefined {
    const text = this.metadata.get(key);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }

  shape(name: string): number[] {
    return [...this.view(name).shape];
  }

  dtype(name: string): string {
    return this.view(name).dtype;
  }

  /** Returns an array as float32, whatever the file's dtype. */
  floats(name: string): Float32Array {
    return toFloat32(this.view(name));
  }

  /** Returns the number of a scalar of shape [] or [1]. */
  scalar(name: string): number {
    return this.floats(name)[0] as number;
  }

  ints(name: string): Int32Array {
    const { data } = this.view(name);
    return data instanceof Int32Array ? data : Int32Array.from(data as Iterable<number>, Number);
  }

  /** Returns an array in the file's own dtype. */
  values(name: string): ReturnType<typeof typedArray> {
    return typedArray(this.view(name));
  }

  /** Returns an array as a tensor: int32 for an I32 array, else float32. */
  tensor<R extends tf.Rank>(name: string): tf.Tensor<R> {
    const { dtype, shape } = this.view(name);
    const values = dtype === 'I32' ? this.ints(name) : this.floats(name);
    return tf.tensor(values, [...shape], dtype === 'I32' ? 'int32' : 'float32') as unknown as tf.Tensor<R>;
  }

  private view(name: string): TensorView {
    const view = this.tensors.get(name);
    if (!view) throw new Error(`${this.file}: no array ${name}`);
    return view;
  }
}
