import * as tf from '@tensorflow/tfjs';
import { CheckpointError, EaselError } from '../errors.js';
import { packedTensor } from '../ops/packed-tensor.js';
import { type PackOptions, pack } from '../packed/pack.js';
import type { PackedValues } from '../packed/packed-values.js';
import { type MatrixAxis, mayBeNarrow, packingOf, type WeightStorage } from '../packed/weight-storage.js';
import { isPermutation, permute, permutedShape } from './permute.js';
import type { SourceEntry, TensorSource } from './tensor-source.js';

/** How one of our weights is found in a checkpoint. */
export interface WeightRule {
  /** The checkpoint's name for the weight. */
  readonly source: string;
  /**
   * The index on the leading axis, if the checkpoint stacks the layers of a model in one tensor.
   */
  readonly slice?: number;
  /** The axes to permute after slicing: axis i of ours is axis `transpose[i]` of theirs. */
  readonly transpose?: readonly number[];
}

/** What `loadWeights` and `convertCheckpoint` tolerate. */
export interface FitOptions {
  /**
   * Says of a name in the checkpoint whether the model has no use for it, such as training state
   * beside the weights.
   */
  readonly ignore?: (sourceName: string) => boolean;
}

/** Options of every function that opens a model. */
export interface OpenOptions {
  /**
   * How weights are held in memory (default 'f32'). On the native backend the narrow forms take less
   * memory, and products of few rows less time; numbers are widened to float32 as they are multiplied.
   * On other backends the weights have the same numbers, in float32.
   */
  readonly weights?: WeightStorage | undefined;
  /** Stops the opening between two weights, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called after each weight that is read: its name, the number read so far, and the number of all.
   */
  readonly onWeight?: ((name: string, done: number, total: number) => void) | undefined;
}

/** All differences between a checkpoint and a model. */
export class WeightMismatchError extends CheckpointError {
  /** Our weights that the checkpoint lacks. */
  readonly missing: readonly string[];
  /** The checkpoint's tensors that the model has no place for. */
  readonly unexpected: readonly string[];
  /** Weights on both sides whose shapes differ, in words. */
  readonly misshapen: readonly string[];

  constructor(description: string, missing: string[], unexpected: string[], misshapen: string[]) {
    const part = (what: string, list: readonly string[], separator: string) =>
      list.length === 0 ? [] : [`${what} (${list.length}): ${list.join(separator)}`];
    const parts = [
      ...part('missing from the checkpoint', missing, ', '),
      ...part('unexpected in the checkpoint', unexpected, ', '),
      ...part('of another shape', misshapen, '; '),
    ];
    super(
      `${description} does not fit the model. ${parts.join('. ')}. Do the config and the checkpoint belong together?`,
    );
    this.missing = missing;
    this.unexpected = unexpected;
    this.misshapen = misshapen;
  }
}

/** One weight to be made from a checkpoint. */
export interface PlannedWeight {
  readonly name: string;
  readonly rule: WeightRule;
  /** The shape of what `source.read` gives for the rule. */
  readonly readShape: readonly number[];
  /** The shape of our weight. */
  readonly shape: readonly number[];
}

/**
 * Compares a checkpoint with what a model needs, by names and shapes alone, and says how to make
 * each weight.
 *
 * `shapes` holds our weights' names and shapes. Without it, every rule counts as a weight of the
 * shape that it finds. Every tensor of the checkpoint must be used, a stacked one with each of its
 * slices, unless `ignore` names it. Throws WeightMismatchError with all differences.
 */
export function planWeights(
  source: TensorSource,
  rules: ReadonlyMap<string, WeightRule>,
  shapes?: ReadonlyMap<string, readonly number[]>,
  { ignore = () => false }: FitOptions = {},
): PlannedWeight[] {
  const missing: string[] = [];
  const misshapen: string[] = [];
  const planned: PlannedWeight[] = [];
  const usedSlices = new Map<string, Set<number>>();
  const used = new Set<string>();

  for (const name of shapes?.keys() ?? []) {
    if (!rules.has(name)) missing.push(`${name} (no rule says where it is)`);
  }
  const unexpected =
    shapes === undefined
      ? []
      : [...rules.keys()].filter((name) => !shapes.has(name)).map((name) => `${name} (by rule)`);
  for (const [name, rule] of rules) {
    const entry = source.entries.get(rule.source);
    if (entry === undefined) {
      if (shapes === undefined || shapes.has(name)) {
        const reason = source.leftOut?.get(rule.source);
        const why = reason === undefined ? '' : `, left out: ${reason}`;
        missing.push(`${rule.source === name ? name : `${name} (${rule.source})`}${why}`);
      }
      continue;
    }
    used.add(rule.source);
    let readShape = entry.shape;
    if (rule.slice !== undefined) {
      const slices = usedSlices.get(rule.source) ?? new Set();
      usedSlices.set(rule.source, slices.add(rule.slice));
      if (rule.slice >= (entry.shape[0] ?? 0)) {
        misshapen.push(
          `${name}: needs index ${rule.slice} of ${rule.source}, whose shape is [${entry.shape}]`,
        );
        continue;
      }
      readShape = entry.shape.slice(1);
    }
    if (rule.transpose !== undefined && !isPermutation(rule.transpose, readShape.length)) {
      misshapen.push(
        `${name}: expected ${rule.transpose.length} axes, found [${readShape}] (${rule.source})`,
      );
      continue;
    }
    const shape = rule.transpose === undefined ? readShape : permutedShape(readShape, rule.transpose);
    const expected = shapes === undefined ? shape : shapes.get(name);
    if (expected === undefined) continue;
    if (expected.length !== shape.length || expected.some((dim, i) => dim !== shape[i])) {
      const from = rule.source === name ? '' : ` (${rule.source})`;
      misshapen.push(`${name}: expected [${expected}], found [${shape}]${from}`);
      continue;
    }
    planned.push({ name, rule, readShape, shape });
  }
  for (const [name, slices] of usedSlices) {
    const count = source.entries.get(name)?.shape[0] ?? 0;
    const unused = Array.from({ length: count }, (_, i) => i).filter((i) => !slices.has(i));
    if (unused.length > 0) unexpected.push(`${name} (index ${unused.join(', ')} of its leading axis)`);
  }
  for (const name of source.entries.keys()) {
    if (!used.has(name) && !ignore(name)) unexpected.push(name);
  }
  if (missing.length + unexpected.length + misshapen.length > 0) {
    throw new WeightMismatchError(source.description, missing, unexpected, misshapen);
  }
  return planned;
}

/** Reads a planned weight as float32 in our layout. */
export async function readPlanned(
  source: TensorSource,
  { rule, readShape }: PlannedWeight,
): Promise<Float32Array> {
  const values = await source.read(rule.source, rule.slice);
  return rule.transpose === undefined ? values : permute(values, readShape, rule.transpose);
}

/**
 * A planned weight in the form in which `storage` holds it; undefined if that is float32. Throws
 * CheckpointError that names the weight if it cannot be stored so.
 */
async function readNarrow(
  source: TensorSource,
  weight: PlannedWeight,
  storage: Exclude<WeightStorage, 'f32'>,
  axisOf?: MatrixAxis,
): Promise<PackedValues | undefined> {
  const { name, rule, shape } = weight;
  if (!mayBeNarrow(shape)) return undefined;
  const packing =
    storage === 'stored' ? packingInSource(source, rule) : packingOf(storage, name, shape, axisOf);
  return packing && readPacked(source, weight, packing, true);
}

/** How a source has a weight; undefined if it has other numbers than packed ones. */
export function packingInSource(source: TensorSource, rule: WeightRule): PackOptions | undefined {
  const { dtype, packing } = source.entries.get(rule.source) as SourceEntry;
  if (dtype === 'F16' || dtype === 'BF16') return { format: dtype };
  return rule.transpose === undefined && rule.slice === undefined ? packing : undefined;
}

/**
 * A planned weight in a packed format: as the source has it, if it has it so. With `mayMap` its arrays
 * may then lie in the file: see `TensorSource`. Throws CheckpointError that names the weight if it
 * cannot be stored so, and what reading throws.
 */
export async function readPacked(
  source: TensorSource,
  weight: PlannedWeight,
  packing: PackOptions,
  mayMap = false,
): Promise<PackedValues> {
  const { name, rule, shape } = weight;
  const found = packingInSource(source, rule);
  const { format, axis, group } = packing;
  if (
    rule.transpose === undefined &&
    found?.format === format &&
    found.axis === axis &&
    found.group === group
  ) {
    const stored = await source.readPacked?.(rule.source, rule.slice, mayMap);
    if (stored !== undefined) return { ...stored, shape };
  }
  try {
    return pack(await readPlanned(source, weight), shape, packing);
  } catch (error) {
    if (!(error instanceof EaselError) || error instanceof CheckpointError) throw error;
    throw new CheckpointError(`${source.description}, weight "${name}": ${error.message}`, { cause: error });
  }
}

/** A planned weight as a float32 tensor in our layout: on the file's own bytes, if it can be. */
async function readTensor(source: TensorSource, weight: PlannedWeight): Promise<tf.Tensor> {
  const { rule, shape } = weight;
  const mapped = source.mapTensor?.(rule.source, rule.slice);
  if (mapped === undefined) return tf.tensor(await readPlanned(source, weight), [...shape], 'float32');
  if (rule.transpose === undefined) return mapped;
  const transposed = tf.transpose(mapped, [...rule.transpose]);
  mapped.dispose();
  return transposed;
}

/** Options of `loadWeights`. */
export interface LoadOptions extends FitOptions, OpenOptions {
  /** Which weights are matrices that may be stored as int8 and int4 (default none). */
  readonly axisOf?: MatrixAxis | undefined;
}

/**
 * Fills a model's weights from a checkpoint, one tensor at a time. Nothing is changed unless names
 * and shapes agree on both sides.
 *
 * `target` holds our names and variables (float32). Throws WeightMismatchError that lists every
 * difference, and what reading throws.
 */
export async function loadWeights(
  target: ReadonlyMap<string, tf.Variable>,
  source: TensorSource,
  rules: ReadonlyMap<string, WeightRule>,
  { signal, onWeight, weights = 'f32', axisOf, ...fit }: LoadOptions = {},
): Promise<void> {
  const shapes = new Map([...target].map(([name, variable]) => [name, variable.shape]));
  const planned = planWeights(source, rules, shapes, fit);
  for (const [i, weight] of planned.entries()) {
    signal?.throwIfAborted();
    const packed = weights === 'f32' ? undefined : await readNarrow(source, weight, weights, axisOf);
    const values = packed === undefined ? await readTensor(source, weight) : packedTensor(packed);
    target.get(weight.name)?.assign(values as tf.Tensor);
    values.dispose();
    onWeight?.(weight.name, i + 1, planned.length);
  }
}
