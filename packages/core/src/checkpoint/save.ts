import type { Tensor } from '@tensorflow/tfjs';
import { type Dtype, type FloatDtype, fromFloat32, type Metadata } from 'safetensors-ts';
import { type TensorChunks, writeSafetensors } from 'safetensors-ts/node';
import { EaselError } from '../errors.js';
import type { TensorSource } from './tensor-source.js';
import { type FitOptions, planWeights, readPlanned, type WeightRule } from './weights.js';
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
  return write(path, entries, read, metadata);
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

async function write(
  path: string,
  entries: { name: string; dtype: Dtype; shape: readonly number[] }[],
  read: (name: string) => Promise<TensorChunks>,
  metadata: Metadata | undefined,
): Promise<number> {
  try {
    return await writeSafetensors(path, entries, read, metadata);
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
  return write(path, entries, read, metadata);
}
