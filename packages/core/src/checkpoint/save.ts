import type { Tensor } from '@tensorflow/tfjs';
import { type Dtype, type FloatDtype, fromFloat32, type Metadata } from 'safetensors-ts';
import { writeSafetensors } from 'safetensors-ts/node';
import { CheckpointError, EaselError } from '../errors.js';
import { type MsgpackWriteOptions, writeMsgpack } from './msgpack-writer.js';
import type { TensorSource } from './tensor-source.js';
import { type FitOptions, type PlannedWeight, planWeights, readPlanned, type WeightRule } from './weights.js';
import { asWriteError } from './write-file.js';

/** Numbers to be saved that are not in a tensor. */
export interface ArrayToSave {
  readonly data: Float32Array | Int32Array;
  readonly shape: readonly number[];
}

/** How `saveSafetensors` writes. */
export interface SaveOptions {
  /** Storage of float32 numbers. Default 'F32'. Integers and booleans keep their dtype. */
  readonly dtype?: FloatDtype;
  readonly metadata?: Metadata;
}

/**
 * Writes tensors to a .safetensors file: one at a time, complete or not at all. Tensors stay the caller's; int32 becomes I32, bool BOOL.
 * Returns the file's size in bytes.
 *
 * Throws EaselError for an unwritable path or a full disk (the old file stays), or a tensor of strings or complex numbers.
 */
export async function saveSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor | ArrayToSave>,
  { dtype = 'F32', metadata }: SaveOptions = {},
): Promise<number> {
  const { entries, read } = stored(path, tensors, dtype);
  return withRemedy(path, writeSafetensors(path, entries, read, metadata));
}

/**
 * Writes tensors to a Flax msgpack file, dots in names as nested maps; else as `saveSafetensors`, and what flax.serialization.to_bytes writes.
 * Flax reads it with from_bytes, and a model's `from_pretrained` does if it is called flax_model.msgpack.
 */
export async function saveMsgpack(
  path: string,
  tensors: ReadonlyMap<string, Tensor | ArrayToSave>,
  { dtype = 'F32', ...options }: Pick<SaveOptions, 'dtype'> & MsgpackWriteOptions = {},
): Promise<number> {
  const { entries, read } = stored(path, tensors, dtype);
  return withRemedy(path, writeMsgpack(path, entries, read, options));
}

/** What a writer needs of tensors. */
function stored(path: string, tensors: ReadonlyMap<string, Tensor | ArrayToSave>, dtype: FloatDtype) {
  const entries = [...tensors].map(([name, tensor]) => ({
    name,
    dtype: storageDtype(path, name, tensor, dtype),
    shape: tensor.shape,
  }));
  const read = async (name: string) => {
    const tensor = tensors.get(name) as Tensor | ArrayToSave;
    const data = isArray(tensor) ? tensor.data : await tensor.data();
    return data instanceof Float32Array ? fromFloat32(data, dtype) : (data as Int32Array | Uint8Array);
  };
  return { entries, read };
}

function isArray(tensor: Tensor | ArrayToSave): tensor is ArrayToSave {
  return ArrayBuffer.isView((tensor as ArrayToSave).data);
}

function storageDtype(path: string, name: string, tensor: Tensor | ArrayToSave, float: FloatDtype): Dtype {
  const dtype = isArray(tensor) ? (tensor.data instanceof Int32Array ? 'int32' : 'float32') : tensor.dtype;
  if (dtype === 'float32') return float;
  if (dtype === 'int32') return 'I32';
  if (dtype === 'bool') return 'BOOL';
  throw new EaselError(`${path}, tensor "${name}": expected float32, int32 or bool to save, found ${dtype}.`);
}

async function withRemedy(path: string, writing: Promise<number>): Promise<number> {
  try {
    return await writing;
  } catch (error) {
    throw asWriteError(error, path);
  }
}

/** What `convertCheckpoint` may be told besides the rules. */
export interface ConvertOptions extends FitOptions {
  readonly metadata?: Metadata;
  /** Our weights' shapes, if the model is known: then they must agree. */
  readonly shapes?: ReadonlyMap<string, readonly number[]>;
  /** Called after each weight. */
  readonly onWeight?: (name: string, done: number, total: number) => void;
  /** Stops between two weights, with the signal's reason; no file is left. */
  readonly signal?: AbortSignal;
}

/**
 * Rewrites a checkpoint under our names as a .safetensors file, one weight (one slice of a stacked tensor) at a time, so memory does not grow
 * with the checkpoint. Numbers are rounded to `dtype`, to nearest, ties to even. Returns the file's size in bytes.
 *
 * Throws WeightMismatchError before anything is written, CheckpointError for a damaged source, EaselError for an unwritable path.
 */
export async function convertCheckpoint(
  source: TensorSource,
  rules: ReadonlyMap<string, WeightRule>,
  path: string,
  dtype: FloatDtype = 'F32',
  { metadata, shapes, onWeight, signal, ...fit }: ConvertOptions = {},
): Promise<number> {
  const planned = new Map(planWeights(source, rules, shapes, fit).map((weight) => [weight.name, weight]));
  const entries = [...planned.values()].map(({ name, shape }) => ({ name, dtype, shape }));
  let done = 0;
  const read = async (name: string) => {
    signal?.throwIfAborted();
    const weight = planned.get(name);
    if (weight === undefined) throw new Error(`unplanned weight ${name}`);
    const data = fromFloat32(await readPlanned(source, weight), dtype);
    onWeight?.(name, ++done, planned.size);
    return data;
  };
  return withRemedy(path, writeSafetensors(path, entries, read, metadata));
}

/** A tensor of a Flax file, by our names. */
export interface FlaxTensor {
  /** Its keys, joined with dots. */
  readonly name: string;
  /** The weight that it is; if `stacked`, the same weight of each layer in order, on a new leading axis. */
  readonly weights: readonly string[];
  readonly stacked: boolean;
}

/**
 * Rewrites a checkpoint as a Flax msgpack file of the given tensors, else as `convertCheckpoint`: one weight in memory at a time, also where
 * layers are stacked. Every weight that the rules name must be in one of the tensors.
 *
 * Throws CheckpointError also if weights that are to be stacked differ in shape.
 */
export async function convertToFlax(
  source: TensorSource,
  rules: ReadonlyMap<string, WeightRule>,
  layout: readonly FlaxTensor[],
  path: string,
  dtype: FloatDtype = 'F32',
  {
    shapes,
    onWeight,
    signal,
    maxChunkBytes,
    ...fit
  }: Omit<ConvertOptions, 'metadata'> & MsgpackWriteOptions = {},
): Promise<number> {
  const planned = new Map(planWeights(source, rules, shapes, fit).map((weight) => [weight.name, weight]));
  const tensors = new Map(layout.map((tensor) => [tensor.name, tensor]));
  const placed = new Set(layout.flatMap(({ weights }) => weights));
  const unplaced = [...planned.keys()].filter((name) => !placed.has(name));
  if (unplaced.length > 0) {
    throw new CheckpointError(`${source.description}: Flax has no place for ${unplaced.join(', ')}.`);
  }
  const entries = layout.map(({ name, weights, stacked }) => {
    const [shape, ...others] = weights.map((weight) => (planned.get(weight) as PlannedWeight).shape);
    if (shape === undefined || others.some((other) => `${other}` !== `${shape}`)) {
      throw new CheckpointError(
        `${source.description}: ${weights.join(', ')} have different shapes, so they cannot be stacked in one tensor.`,
      );
    }
    return { name, dtype, shape: stacked ? [weights.length, ...shape] : shape };
  });
  let done = 0;
  async function* read(name: string): AsyncGenerator<ArrayBufferView> {
    for (const weight of (tensors.get(name) as FlaxTensor).weights) {
      signal?.throwIfAborted();
      yield fromFloat32(await readPlanned(source, planned.get(weight) as PlannedWeight), dtype);
      onWeight?.(weight, ++done, planned.size);
    }
  }
  const options = maxChunkBytes === undefined ? {} : { maxChunkBytes };
  return withRemedy(path, writeMsgpack(path, entries, read, options));
}
