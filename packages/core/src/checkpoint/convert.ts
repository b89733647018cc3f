import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { elementCount, type FloatDtype, fromFloat32, type Metadata } from 'safetensors-ts';
import { writeSafetensors, writeSharded } from 'safetensors-ts/node';
import { CheckpointError } from '../errors.js';
import type { FlaxTensor } from './flax-tensor.js';
import { type MsgpackWriteOptions, writeMsgpack, writeShardedMsgpack } from './msgpack-writer.js';
import type { TensorSource } from './tensor-source.js';
import { type FitOptions, type PlannedWeight, planWeights, readPlanned, type WeightRule } from './weights.js';
import { withRemedy } from './write-file.js';

/**
 * How numbers are stored: all in one format, or each weight as its source has it (F32 for what is
 * neither F32, F16 nor BF16).
 */
export type ConvertDtype = FloatDtype | 'keep';

/** What `convertCheckpoint` may be told besides the rules. */
export interface ConvertOptions extends FitOptions {
  readonly metadata?: Metadata;
  /** Our weights' shapes, if the model is known: then they must agree. */
  readonly shapes?: ReadonlyMap<string, readonly number[]>;
  /**
   * Most bytes of tensors in a file: what is more goes into several files and an index. Default:
   * one file.
   */
  readonly maxShardBytes?: number;
  /** Called after each weight; `share`: of all numbers, how many are behind us, from 0 to 1. */
  readonly onWeight?: (name: string, done: number, total: number, share: number) => void;
  /** Stops between two weights, with the signal's reason; no file is left. */
  readonly signal?: AbortSignal;
}

/** A checkpoint that was written. */
export interface WrittenCheckpoint {
  /** What is to be opened: the file, or the index of its parts. */
  readonly path: string;
  /** Size of the file, or of its parts together. */
  readonly bytes: number;
  /** Whether a weight is stored in a format that its source's numbers may not fit exactly. */
  readonly rounded: boolean;
}

/**
 * Rewrites a checkpoint under our names as a .safetensors file, one weight (one slice of a stacked
 * tensor) at a time, so memory does not grow with the checkpoint. Numbers are rounded to `dtype`,
 * to nearest, ties to even.
 *
 * Throws WeightMismatchError before anything is written, CheckpointError for a damaged source,
 * EaselError for an unwritable path.
 */
export async function convertCheckpoint(
  source: TensorSource,
  rules: ReadonlyMap<string, WeightRule>,
  path: string,
  dtype: ConvertDtype = 'F32',
  { metadata, shapes, maxShardBytes, onWeight, signal, ...fit }: ConvertOptions = {},
): Promise<WrittenCheckpoint> {
  const planned = new Map(planWeights(source, rules, shapes, fit).map((weight) => [weight.name, weight]));
  const storage = new StorageChoice(source, dtype);
  const entries = [...planned.values()].map((weight) => ({
    name: weight.name,
    dtype: storage.of([weight]),
    shape: weight.shape,
  }));
  const dtypes = new Map(entries.map((entry) => [entry.name, entry.dtype]));
  let done = 0;
  const shareOf = behindUs(planned.values());
  const read = async (name: string) => {
    signal?.throwIfAborted();
    const weight = planned.get(name) as PlannedWeight;
    const data = fromFloat32(await readPlanned(source, weight), dtypes.get(name) as FloatDtype);
    onWeight?.(name, ++done, planned.size, shareOf(weight.shape));
    return data;
  };
  const writing =
    maxShardBytes === undefined
      ? writeSafetensors(path, entries, read, metadata).then(() => [basename(path)])
      : writeSharded(dirname(path), entries, read, {
          maxShardBytes,
          baseName: basename(path, '.safetensors'),
          ...(metadata === undefined ? {} : { metadata }),
        });
  return written(path, await withRemedy(path, writing), storage);
}

/**
 * Rewrites a checkpoint as a Flax msgpack file of the given tensors, else as `convertCheckpoint`:
 * one weight in memory at a time, also where layers are stacked. Every weight that the rules name
 * must be in one of the tensors.
 *
 * Throws CheckpointError also if weights that are to be stacked differ in shape.
 */
export async function convertToFlax(
  source: TensorSource,
  rules: ReadonlyMap<string, WeightRule>,
  layout: readonly FlaxTensor[],
  path: string,
  dtype: ConvertDtype = 'F32',
  {
    shapes,
    maxShardBytes,
    onWeight,
    signal,
    maxChunkBytes,
    ...fit
  }: Omit<ConvertOptions, 'metadata'> & MsgpackWriteOptions = {},
): Promise<WrittenCheckpoint> {
  const planned = new Map(planWeights(source, rules, shapes, fit).map((weight) => [weight.name, weight]));
  const tensors = new Map(layout.map((tensor) => [tensor.name, tensor]));
  const placed = new Set(layout.flatMap(({ weights }) => weights));
  const unplaced = [...planned.keys()].filter((name) => !placed.has(name));
  if (unplaced.length > 0) {
    throw new CheckpointError(`${source.description}: Flax has no place for ${unplaced.join(', ')}.`);
  }
  const storage = new StorageChoice(source, dtype);
  const entries = layout.map(({ name, weights, stacked }) => {
    const parts = weights.map((weight) => planned.get(weight) as PlannedWeight);
    const [shape, ...others] = parts.map((part) => part.shape);
    if (shape === undefined || others.some((other) => `${other}` !== `${shape}`)) {
      throw new CheckpointError(
        `${source.description}: ${weights.join(', ')} have different shapes, so they cannot be stacked in one tensor.`,
      );
    }
    return { name, dtype: storage.of(parts), shape: stacked ? [weights.length, ...shape] : shape };
  });
  const dtypes = new Map(entries.map((entry) => [entry.name, entry.dtype]));
  let done = 0;
  const shareOf = behindUs(planned.values());
  async function* read(name: string): AsyncGenerator<ArrayBufferView> {
    for (const weight of (tensors.get(name) as FlaxTensor).weights) {
      signal?.throwIfAborted();
      const values = await readPlanned(source, planned.get(weight) as PlannedWeight);
      yield fromFloat32(values, dtypes.get(name) as FloatDtype);
      onWeight?.(weight, ++done, planned.size, shareOf((planned.get(weight) as PlannedWeight).shape));
    }
  }
  const options = maxChunkBytes === undefined ? {} : { maxChunkBytes };
  const writing =
    maxShardBytes === undefined
      ? writeMsgpack(path, entries, read, options).then(() => [basename(path)])
      : writeShardedMsgpack(path, entries, read, { ...options, maxShardBytes });
  return written(path, await withRemedy(path, writing), storage);
}

/** Gives, weight by weight, the share of all numbers that are behind us. */
function behindUs(weights: Iterable<PlannedWeight>): (shape: readonly number[]) => number {
  const total = [...weights].reduce((sum, { shape }) => sum + elementCount(shape), 0);
  let behind = 0;
  return (shape) => {
    behind += elementCount(shape);
    return behind / total;
  };
}

/** In which format weights are stored, and whether that rounds one of them. */
class StorageChoice {
  /** Whether some weight so far may have lost digits. */
  rounded = false;
  private readonly source: TensorSource;
  private readonly dtype: ConvertDtype;

  constructor(source: TensorSource, dtype: ConvertDtype) {
    this.source = source;
    this.dtype = dtype;
  }

  /** The format of a tensor made of these weights. */
  of(weights: readonly PlannedWeight[]): FloatDtype {
    const found = new Set(weights.map(({ rule }) => this.source.entries.get(rule.source)?.dtype));
    const [only] = found;
    const kept = found.size === 1 && (only === 'F16' || only === 'BF16') ? only : 'F32';
    const dtype = this.dtype === 'keep' ? kept : this.dtype;
    if (dtype !== 'F32' && (found.size > 1 || only !== dtype)) this.rounded = true;
    return dtype;
  }
}

/** What was written, by the names of its files; the last one is opened. */
async function written(
  path: string,
  names: readonly string[],
  { rounded }: StorageChoice,
): Promise<WrittenCheckpoint> {
  const files = names.map((name) => join(dirname(path), name));
  const sizes = await Promise.all(files.filter((file) => !file.endsWith('.json')).map((file) => stat(file)));
  const bytes = sizes.reduce((sum, { size }) => sum + size, 0);
  return { path: files.at(-1) as string, bytes, rounded };
}
