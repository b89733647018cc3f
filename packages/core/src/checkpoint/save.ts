import type { FileHandle } from 'node:fs/promises';
import type { Tensor } from '@tensorflow/tfjs';
import { type Dtype, type FloatDtype, fromFloat32, type Metadata } from 'safetensors-ts';
import { writeSafetensors, writeSafetensorsBy } from 'safetensors-ts/node';
import { EaselError } from '../errors.js';
import { HeldTensors, holdTensors } from './held-tensors.js';
import { type MsgpackWriteOptions, writeMsgpack } from './msgpack-writer.js';
import type { WeightDtype } from './weight-dtype.js';
import { withRemedy } from './write-file.js';

/** Numbers to be saved that are not in a tensor. */
export interface ArrayToSave {
  readonly data: Float32Array | Int32Array;
  readonly shape: readonly number[];
}

/** Options of `saveSafetensors`. */
export interface SaveOptions {
  /** How float32 numbers are stored. Default 'F32'. Integers and booleans keep their dtype. */
  readonly dtype?: FloatDtype;
  readonly metadata?: Metadata;
}

/** Options of every function that saves a model. */
export interface SaveModelOptions {
  /** How the weights are stored. Default 'F32'. */
  readonly dtype?: WeightDtype;
  /** Weights by name, to save in place of those that the model has now. */
  readonly weights?: ReadonlyMap<string, Tensor> | HeldTensors | undefined;
}

/**
 * Writes tensors to a .safetensors file, complete or not at all. On the native backend a thread of
 * its own writes the tensors as they are when this is called; elsewhere they are written one at a
 * time. Tensors stay the caller's. int32 becomes I32, bool BOOL. Returns the file's size in bytes.
 *
 * Throws EaselError for an unwritable path or a full disk (the old file stays), and for a tensor of
 * strings or complex numbers.
 */
export async function saveSafetensors(
  path: string,
  tensors: ReadonlyMap<string, Tensor | ArrayToSave> | HeldTensors,
  { dtype = 'F32', metadata }: SaveOptions = {},
): Promise<number> {
  if (tensors instanceof HeldTensors) return saveHeld(path, tensors, dtype, metadata);
  const held = areTensors(tensors) ? holdTensors(tensors) : undefined;
  if (held === undefined) {
    const { entries, read } = stored(path, tensors, dtype);
    return withRemedy(path, writeSafetensors(path, entries, read, metadata));
  }
  try {
    return await saveHeld(path, held, dtype, metadata);
  } finally {
    held.release();
  }
}

function saveHeld(
  path: string,
  held: HeldTensors,
  dtype: FloatDtype,
  metadata: Metadata | undefined,
): Promise<number> {
  const { entries } = stored(path, held.tensors, dtype);
  const write = (handle: FileHandle, ordered: readonly { readonly name: string }[]) =>
    held.writeTo(
      handle.fd,
      ordered.map(({ name }) => name),
      dtype,
    );
  return withRemedy(path, writeSafetensorsBy(path, entries, write, metadata));
}

function areTensors(
  tensors: ReadonlyMap<string, Tensor | ArrayToSave>,
): tensors is ReadonlyMap<string, Tensor> {
  return [...tensors.values()].every((tensor) => !isArray(tensor));
}

/**
 * Writes tensors to a Flax msgpack file. Dots in names become nested maps. The bytes are those of
 * flax.serialization.to_bytes; the rest is as in `saveSafetensors`. Flax reads the file with
 * from_bytes, and a model's `from_pretrained` reads it if it is called flax_model.msgpack.
 */
export async function saveMsgpack(
  path: string,
  tensors: ReadonlyMap<string, Tensor | ArrayToSave>,
  { dtype = 'F32', ...options }: Pick<SaveOptions, 'dtype'> & MsgpackWriteOptions = {},
): Promise<number> {
  const { entries, read } = stored(path, tensors, dtype);
  return withRemedy(path, writeMsgpack(path, entries, read, options));
}

/** What a writer needs to know of tensors. */
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
