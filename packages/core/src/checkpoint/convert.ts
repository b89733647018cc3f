import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { elementCount, type FloatDtype, fromFloat32, type Metadata, type TensorEntry } from 'safetensors-ts';
import { writeSafetensors, writeSharded } from 'safetensors-ts/node';
import { CheckpointError } from '../errors.js';
import type { PackOptions } from '../packed/pack.js';
import type { PackedValues } from '../packed/packed-values.js';
import { type MatrixAxis, packingOf } from '../packed/weight-storage.js';
import type { FlaxTensor } from './flax-tensor.js';
import { type MsgpackWriteOptions, writeMsgpack, writeShardedMsgpack } from './msgpack-writer.js';
import { packedShapes, QUANTIZATION_KEY, QUANTIZATION_VERSION } from './packed-entries.js';
import type { TensorSource } from './tensor-source.js';
import {
  type FitOptions,
  type PlannedWeight,
  packingInSource,
  planWeights,
  readPacked,
  readPlanned,
  type WeightRule,
} from './weights.js';
import { withRemedy } from './write-file.js';

/**
 * How numbers are stored: floats in one format, or each weight as its source has it. With 'keep', what
 * is neither F32, F16, BF16, INT8 nor INT4 is stored as F32.
 */
export type FloatConversion = FloatDtype | 'keep';

/**
 * The same, or matrices in 8 or 4 bits a number: see `WeightStorage`. With these, small weights stay as
 * their source has them.
 */
export type ConvertDtype = FloatConversion | 'INT8' | 'INT4' | 'INT4_64';

/** The storages of ConvertDtype's formats of matrices. */
const QUANTIZED = { INT8: 'int8', INT4: 'int4', INT4_64: 'int4-64' } as const;

/** Options of `convertCheckpoint` beside the rules. */
export interface ConvertOptions extends FitOptions {
  readonly metadata?: Metadata;
  /** Which weights are matrices that may be stored as INT8 and INT4 (default none). */
  readonly axisOf?: MatrixAxis | undefined;
  /** The shapes of our weights, if the model is known. The checkpoint's shapes must then agree. */
  readonly shapes?: ReadonlyMap<string, readonly number[]>;
  /**
   * The most bytes of tensors in a file. More tensors go into several files and an index. Default:
   * one file.
   */
  readonly maxShardBytes?: number;
  /** Called after each weight. `share`, from 0 to 1, is the part of all numbers that is done. */
  readonly onWeight?: (name: string, done: number, total: number, share: number) => void;
  /** Stops between two weights, with the signal's reason; no file is left. */
  readonly signal?: AbortSignal;
}

/** A checkpoint that was written. */
export interface WrittenCheckpoint {
  /** The path to open: the file, or the index of its parts. */
  readonly path: string;
  /** The size of the file, or of its parts together. */
  readonly bytes: number;
  /** Whether a weight is stored in a format that may not hold its source's numbers exactly. */
  readonly rounded: boolean;
}

/**
 * Rewrites a checkpoint under our names as a .safetensors file. It takes one weight (one slice of a
 * stacked tensor) at a time, so memory does not grow with the checkpoint. Numbers are rounded to
 * `dtype`, to nearest, ties to even.
 *
 * Throws WeightMismatchError before anything is written, CheckpointError for a damaged source, and
 * EaselError for an unwritable path.
 */
export async function convertCheckpoint(
  source: TensorSource,
  rules: ReadonlyMap<string, WeightRule>,
  path: string,
  dtype: ConvertDtype = 'F32',
  { metadata, shapes, maxShardBytes, onWeight, signal, axisOf, ...fit }: ConvertOptions = {},
): Promise<WrittenCheckpoint> {
  const planned = planWeights(source, rules, shapes, fit);
  const storage = new StorageChoice(source, dtype);
  /** What a tensor of the file holds: a weight, or a part of one that shares scales. */
  const contents = new Map<string, { weight: PlannedWeight; dtype: FloatDtype; packing?: PackOptions }>();
  const entries: TensorEntry[] = [];
  for (const weight of planned) {
    const packing = storage.packingOf(weight, axisOf);
    if (packing === undefined || packing.format === 'F16') {
      const float = packing === undefined ? storage.of([weight]) : 'F16';
      contents.set(weight.name, { weight, dtype: float });
      entries.push({ name: weight.name, dtype: float, shape: weight.shape });
      continue;
    }
    for (const { end, ...tensor } of packedShapes(weight.shape, packing)) {
      contents.set(weight.name + end, { weight, dtype: 'F16', packing });
      entries.push({ name: weight.name + end, ...tensor });
    }
  }
  const isQuantized = entries.length > planned.length;
  const fileMetadata: Metadata | undefined = isQuantized
    ? { ...metadata, [QUANTIZATION_KEY]: QUANTIZATION_VERSION }
    : metadata;
  let done = 0;
  let recent: { readonly weight: PlannedWeight; readonly packed: PackedValues } | undefined;
  const shareOf = behindUs(planned);
  const read = async (name: string) => {
    signal?.throwIfAborted();
    const { weight, dtype, packing } = contents.get(name) as {
      weight: PlannedWeight;
      dtype: FloatDtype;
      packing?: PackOptions;
    };
    if (packing === undefined) {
      const data = fromFloat32(await readPlanned(source, weight), dtype);
      onWeight?.(weight.name, ++done, planned.length, shareOf(weight.shape));
      return data;
    }
    // A file has all scales before all codes, and all of them together may not fit the memory. So a
    // weight is packed once for its scales and offsets, and once more for its codes.
    if (recent?.weight !== weight) recent = { weight, packed: await readPacked(source, weight, packing) };
    const { packed } = recent;
    if (name.endsWith('_scale')) return packed.scales as Uint16Array;
    if (name.endsWith('_offset')) return packed.offsets as Uint16Array;
    onWeight?.(weight.name, ++done, planned.length, shareOf(weight.shape));
    return packed.codes;
  };
  const writing =
    maxShardBytes === undefined
      ? writeSafetensors(path, entries, read, fileMetadata).then(() => [basename(path)])
      : writeSharded(dirname(path), entries, read, {
          maxShardBytes,
          baseName: basename(path, '.safetensors'),
          ...(fileMetadata === undefined ? {} : { metadata: fileMetadata }),
        });
  return written(path, await withRemedy(path, writing), storage);
}

/**
 * Rewrites a checkpoint as a Flax msgpack file of the given tensors. Otherwise it does what
 * `convertCheckpoint` does, with one weight in memory at a time even where layers are stacked.
 * Every weight that the rules name must be in one of the tensors.
 *
 * Throws CheckpointError also if weights that are to be stacked differ in shape.
 */
export async function convertToFlax(
  source: TensorSource,
  rules: ReadonlyMap<string, WeightRule>,
  layout: readonly FlaxTensor[],
  path: string,
  dtype: FloatConversion = 'F32',
  {
    shapes,
    maxShardBytes,
    onWeight,
    signal,
    maxChunkBytes,
    ...fit
  }: Omit<ConvertOptions, 'metadata' | 'axisOf'> & MsgpackWriteOptions = {},
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

/**
 * Returns a function that, called with each weight in turn, says which share of all numbers is
 * done.
 */
function behindUs(weights: Iterable<PlannedWeight>): (shape: readonly number[]) => number {
  const total = [...weights].reduce((sum, { shape }) => sum + elementCount(shape), 0);
  let behind = 0;
  return (shape) => {
    behind += elementCount(shape);
    return behind / total;
  };
}

/** Decides in which format weights are stored, and notes whether that rounds one of them. */
class StorageChoice {
  /** Whether some weight so far may have lost digits. */
  rounded = false;
  private readonly source: TensorSource;
  private readonly dtype: ConvertDtype;

  constructor(source: TensorSource, dtype: ConvertDtype) {
    this.source = source;
    this.dtype = dtype;
  }

  /**
   * How a weight is packed that is to share scales, or undefined if it is stored in `of`. A weight of
   * many numbers that is no matrix becomes F16 among matrices of few bits.
   */
  packingOf({ name, rule, shape }: PlannedWeight, axisOf: MatrixAxis | undefined): PackOptions | undefined {
    const { dtype } = this;
    const found = packingInSource(this.source, rule);
    if (dtype === 'keep') return found?.axis === undefined ? undefined : found;
    if (dtype !== 'INT8' && dtype !== 'INT4' && dtype !== 'INT4_64') return undefined;
    const packing = packingOf(QUANTIZED[dtype], name, shape, axisOf);
    if (packing !== undefined)
      this.rounded ||= packing.format !== found?.format || packing.group !== found.group;
    return packing;
  }

  /** The format of a tensor of floats that is made of these weights. */
  of(weights: readonly PlannedWeight[]): FloatDtype {
    const found = new Set(weights.map(({ rule }) => this.source.entries.get(rule.source)?.dtype));
    const [only] = found;
    const kept = found.size === 1 && (only === 'F16' || only === 'BF16') ? only : 'F32';
    const dtype = this.dtype === 'F32' || this.dtype === 'F16' || this.dtype === 'BF16' ? this.dtype : kept;
    if (dtype !== 'F32' && (found.size > 1 || only !== dtype)) this.rounded = true;
    return dtype;
  }
}

/** Describes what was written, by the names of its files. The last file is the one to open. */
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
