import { readFileSync } from 'node:fs';
import { fromMsgpack, loadWeights } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { deserialize, toFloat32 } from 'safetensors-ts';
import { parseDalleBartConfig } from '../src/config.js';
import { DalleBart } from '../src/model.js';
import { rulesForFlax } from '../src/weights.js';

/** Arrays of a golden safetensors file, by name. */
export class GoldenArrays {
  readonly metadata: ReadonlyMap<string, string>;
  private readonly tensors: ReturnType<typeof deserialize>['tensors'];

  constructor(url: URL) {
    const { header, tensors } = deserialize(readFileSync(url));
    this.metadata = header.metadata;
    this.tensors = tensors;
  }

  get names(): string[] {
    return [...this.tensors.keys()];
  }

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  shape(name: string): number[] {
    return [...this.view(name).shape];
  }

  floats(name: string): Float32Array {
    return toFloat32(this.view(name));
  }

  ints(name: string): Int32Array {
    return this.view(name).data as Int32Array;
  }

  /** As a tensor of its own dtype, float32 or int32. */
  tensor<R extends tf.Rank>(name: string): tf.Tensor<R> {
    const { dtype, shape } = this.view(name);
    const values = dtype === 'I32' ? this.ints(name) : this.floats(name);
    return tf.tensor(values, [...shape], dtype === 'I32' ? 'int32' : 'float32') as unknown as tf.Tensor<R>;
  }

  private view(name: string) {
    const view = this.tensors.get(name);
    if (!view) throw new Error(`golden array ${name} is not there`);
    return view;
  }
}

/** A model folder written by the original's save_pretrained, loaded. */
export async function goldenModel(folder: URL): Promise<DalleBart> {
  const config = parseDalleBartConfig(JSON.parse(readFileSync(new URL('config.json', folder), 'utf8')));
  const model = new DalleBart(config);
  const source = fromMsgpack(readFileSync(new URL('flax_model.msgpack', folder)));
  await loadWeights(model.namedWeights(), source, rulesForFlax(config, source));
  return model;
}

/** Largest |a − b|. */
export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`lengths ${a.length} and ${b.length} differ`);
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] as number) - (b[i] as number));
    if (!(difference <= most)) most = difference; // NaN is the largest
  }
  return most;
}
