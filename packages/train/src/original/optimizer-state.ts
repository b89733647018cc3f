/**
 * Converts between the optimizer state of the original's trainer, opt_state.msgpack, and Easel's.
 * Both hold the same numbers under other names.
 *
 * The file holds a tree for each group of parameters. Stacked ("scanned") layers are in groups of
 * their own. In these everything has a leading layer axis, counters too. Source: dalle-mini
 * `tools/train/train.py` (split_params, the optimizer state); optax 0.1.7 `adamw`, `adafactor`;
 * `scalable_shampoo/distributed_shampoo.py`, ShardedShampooStats. Checked against the trees that
 * the trainer wrote (kind `train`).
 */
import type { DalleBart } from '@easel/bart';
import { bartParameters, type Parameter } from '@easel/bart/internals';
import { CheckpointError, type GraftType, type TensorSource } from '@easel/core';
import { type ShampooBlocks, shampooBlocks } from '@easel/core/internals';
import { asWriteError } from '@easel/core/internals/node';
import { openCheckpoint, writeMsgpack } from '@easel/core/node';
import * as tf from '@tensorflow/tfjs';
import { elementCount } from 'safetensors-ts';
import { optimizerGroup } from './optimizer-group.js';

/** Name of the file beside flax_model.msgpack. */
export const ORIGINAL_STATE = 'opt_state.msgpack';

/** The settings that determine the form of an optimizer's state. */
export interface StateOptimizer {
  readonly name: 'adamw' | 'adafactor' | 'shampoo';
  readonly weightDecay: number;
  /** Clipping threshold of Adafactor. Null: no clipping. */
  readonly clippingThreshold: number | null;
  readonly shampoo: {
    readonly blockSize: number;
    readonly largestDimension: number;
    readonly graft: GraftType;
    readonly quantized: boolean;
  };
}

/** The model and the optimizer that a state belongs to. */
export interface StateSubject {
  readonly model: DalleBart;
  readonly optimizer: StateOptimizer;
  /** Names of the weights that are trained. Only these have state. */
  readonly trained: { has(name: string): boolean };
}

/** The original merges dimensions while their product is at most this. */
const MERGED_AT_MOST = 4096;

/** The key of the step in `Optimizer.state()`. */
const STEP = 'step';

/** A run of a leaf's numbers, and its counterpart in Easel's state. */
type Piece =
  /** A tensor of Easel's state, unchanged. */
  | { readonly is: 'tensor'; readonly key: string; readonly shape: readonly number[] }
  /** Signed bytes. Easel's state packs four of them into an int32. */
  | { readonly is: 'bytes'; readonly key: string; readonly size: number }
  /**
   * A square matrix of Easel's state. The file extends it with the identity to `padded` rows and
   * columns.
   */
  | { readonly is: 'matrix'; readonly key: string; readonly side: number; readonly padded: number }
  /** An identity matrix that belongs to no weight. */
  | { readonly is: 'identity'; readonly padded: number }
  /** Constant numbers that carry no state. */
  | { readonly is: 'fill'; readonly value: number; readonly size: number }
  /** The number of updates done. */
  | { readonly is: 'count' };

/**
 * An array of the file. Its pieces follow each other in C order. In a group of stacked layers the
 * pieces of each layer come in turn.
 */
interface Leaf {
  readonly name: string;
  readonly dtype: 'F32' | 'I32' | 'I8';
  readonly shape: readonly number[];
  readonly pieces: readonly Piece[];
}

/** The contents of a file: arrays and empty maps. */
export interface StateLayout {
  readonly leaves: readonly Leaf[];
  readonly emptyMaps: readonly string[];
}

/**
 * A tensor of the original. It holds one weight of Easel's model, or the same weight of each layer.
 */
interface GroupTensor {
  /** Its path in the original's tree, joined by dots. */
  readonly path: string;
  /** Shape in one layer. */
  readonly shape: readonly number[];
  readonly weights: readonly string[];
}

/** Parameters that the original's optimizer treats together. */
interface Group {
  readonly name: string;
  /** Number of stacked layers. Undefined if the group is not stacked. */
  readonly layers: number | undefined;
  /** The tensors in the order in which the original flattens its tree: by keys. */
  readonly tensors: readonly GroupTensor[];
}

/**
 * Returns the arrays of the original's file for this model and optimizer. `statistics`: how many
 * statistics of a group the file has. A file that several devices wrote has more than the group
 * needs.
 */
export function originalStateLayout(
  { model, optimizer, trained }: StateSubject,
  isFactored: (weight: string) => boolean,
  statistics: (group: string) => number | undefined = () => undefined,
): StateLayout {
  const leaves: Leaf[] = [];
  const emptyMaps: string[] = [];
  for (const group of groupsOf(model, trained)) {
    const tree = new GroupTree(group, leaves, emptyMaps);
    if (optimizer.name === 'adamw') addAdam(tree);
    else if (optimizer.name === 'adafactor') addAdafactor(tree, optimizer, isFactored);
    else addShampoo(tree, optimizer.shampoo, statistics(group.name));
  }
  return { leaves, emptyMaps };
}

/**
 * Reads an opt_state.msgpack as the state of Easel's optimizer, for `Optimizer.loadState`. The
 * caller disposes the tensors.
 *
 * Throws CheckpointError for arrays that are missing, have another shape or aren't known, of which
 * it lists the first ones. Throws it too for counters that differ.
 */
export async function readOriginalState(
  path: string,
  subject: StateSubject,
): Promise<Map<string, tf.Tensor>> {
  const source = await openCheckpoint(path);
  try {
    const layout = originalStateLayout(
      subject,
      (weight) => isFactoredIn(source, weight, subject),
      (group) => statisticsIn(source, group, subject),
    );
    requireSame(source, layout);
    const state = new Map<string, tf.Tensor>();
    const counter: Counter = { path, count: undefined };
    try {
      for (const leaf of layout.leaves) takeLeaf(leaf, await source.read(leaf.name), state, counter);
      return state;
    } catch (error) {
      tf.dispose([...state.values()]);
      throw error;
    }
  } finally {
    await source.close();
  }
}

/**
 * Writes the `state()` of Easel's optimizer as the original's trainer would write it on one device.
 * The file appears when it is complete. Throws CheckpointError if the state lacks a tensor; before
 * the first update it has none. Throws EaselError if the file can't be written.
 */
export async function writeOriginalState(
  path: string,
  subject: StateSubject,
  state: ReadonlyMap<string, tf.Tensor>,
): Promise<void> {
  const { leaves, emptyMaps } = originalStateLayout(subject, (weight) => state.has(`v_row.${weight}`));
  const missing = leaves
    .flatMap(({ pieces }) => pieces.flatMap((piece) => ('key' in piece ? [piece.key] : [])))
    .filter((key) => !state.has(key));
  if (missing.length > 0)
    throw new CheckpointError(
      `${path}: the optimizer has no state ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', …' : ''}. Is it of another model, or before its first update?`,
    );
  const byName = new Map(leaves.map((leaf) => [leaf.name, leaf]));
  try {
    await writeMsgpack(path, leaves, (name) => leafData(byName.get(name) as Leaf, state), { emptyMaps });
  } catch (error) {
    throw asWriteError(error, path);
  }
}

function groupsOf(model: DalleBart, trained: StateSubject['trained']): Group[] {
  const groupOf = optimizerGroup(model);
  const groups = new Map<string, Map<string, Parameter[]>>();
  for (const parameter of bartParameters(model.config)) {
    if (!trained.has(parameter.name)) continue;
    const tensors = groups.get(groupOf(parameter.name)) ?? new Map<string, Parameter[]>();
    groups.set(groupOf(parameter.name), tensors);
    const path = [...parameter.place.path, parameter.leaf].join('.');
    tensors.set(path, [...(tensors.get(path) ?? []), parameter]);
  }
  return [...groups].map(([name, tensors]) => ({
    name,
    layers: [...tensors.values()][0]?.[0]?.place.stacked?.count,
    tensors: [...tensors]
      .sort(([a], [b]) => byKeys(a.split('.'), b.split('.')))
      .map(([path, layers]) => ({
        path,
        shape: (layers[0] as Parameter).shape,
        weights: layers.map((layer) => layer.name),
      })),
  }));
}

function byKeys(a: readonly string[], b: readonly string[]): number {
  for (const [i, key] of a.entries()) {
    const other = b[i] ?? '';
    if (key !== other) return key < other ? -1 : 1;
  }
  return 0;
}

/** Adds arrays to a group's tree. */
class GroupTree {
  readonly group: Group;
  private readonly leaves: Leaf[];
  private readonly emptyMaps: string[];

  constructor(group: Group, leaves: Leaf[], emptyMaps: string[]) {
    this.group = group;
    this.leaves = leaves;
    this.emptyMaps = emptyMaps;
  }

  /** Adds an array that has the pieces of each layer in turn. */
  add(
    name: string,
    dtype: Leaf['dtype'],
    shape: readonly number[],
    pieces: (layer: number) => readonly Piece[],
  ): void {
    const { layers } = this.group;
    this.leaves.push({
      name: `${this.group.name}.${name}`,
      dtype,
      shape: layers === undefined ? shape : [layers, ...shape],
      pieces: Array.from({ length: layers ?? 1 }, (_, layer) => pieces(layer)).flat(),
    });
  }

  empty(name: string): void {
    this.emptyMaps.push(`${this.group.name}.${name}`);
  }

  count(name: string): void {
    this.add(name, 'I32', [], () => [{ is: 'count' }]);
  }

  /** Adds an array that holds a parameter's tensor of Easel's state. */
  tensor(name: string, kind: string, { weights }: GroupTensor, shape: readonly number[]): void {
    this.add(name, 'F32', shape, (layer) => [{ is: 'tensor', key: `${kind}.${weights[layer]}`, shape }]);
  }
}

/** optax's chain: scale_by_adam, add_decayed_weights, scale_by_schedule. */
function addAdam(tree: GroupTree): void {
  tree.count('0.count');
  for (const tensor of tree.group.tensors) {
    tree.tensor(`0.mu.${tensor.path}`, 'm', tensor, tensor.shape);
    tree.tensor(`0.nu.${tensor.path}`, 'v', tensor, tensor.shape);
  }
  tree.empty('1');
  tree.count('2.count');
}

/**
 * optax's chain: scale_by_factored_rms, clip_by_block_rms, scale_by_schedule,
 * scale_by_param_block_rms, add_decayed_weights, scale.
 */
function addAdafactor(
  tree: GroupTree,
  { clippingThreshold, weightDecay }: StateSubject['optimizer'],
  isFactored: (weight: string) => boolean,
): void {
  tree.count('0.count');
  for (const tensor of tree.group.tensors) {
    const { path, shape, weights } = tensor;
    const unused = (name: string) => tree.add(name, 'F32', [1], () => [{ is: 'fill', value: 0, size: 1 }]);
    if (!isFactored(weights[0] as string)) {
      unused(`0.v_row.${path}`);
      unused(`0.v_col.${path}`);
      tree.tensor(`0.v.${path}`, 'v', tensor, shape);
      continue;
    }
    const [second, largest] = twoLargestAxes(shape);
    const without = (axis: number) => shape.filter((_, i) => i !== axis);
    tree.tensor(`0.v_row.${path}`, 'v_row', tensor, without(largest));
    tree.tensor(`0.v_col.${path}`, 'v_col', tensor, without(second));
    unused(`0.v.${path}`);
  }
  let next = 1;
  if (clippingThreshold !== null) tree.empty(`${next++}`);
  tree.count(`${next++}.count`);
  tree.empty(`${next++}`);
  if (weightDecay > 0) tree.empty(`${next++}`);
  tree.empty(`${next}`);
}

/**
 * Returns the axes of the second-largest and the largest dimension. Of equal dimensions the later
 * one counts as larger.
 */
function twoLargestAxes(shape: readonly number[]): [second: number, largest: number] {
  const order = shape
    .map((_, axis) => axis)
    .sort((a, b) => (shape[a] as number) - (shape[b] as number) || a - b);
  return order.slice(-2) as [number, number];
}

function addShampoo(
  tree: GroupTree,
  shampoo: StateSubject['optimizer']['shampoo'],
  statisticsInFile: number | undefined,
): void {
  const { tensors } = tree.group;
  const blocks = tensors.map(({ shape }) => blocksOf(shape, shampoo));
  const padded = Math.max(0, ...blocks.flatMap(({ statistics }) => statistics));
  const known = blocks.reduce((sum, { statistics }) => sum + statistics.length, 0);
  const count = statisticsInFile ?? known;
  const matrices = (kind: string) => (layer: number) => [
    ...tensors.flatMap(({ weights }, t) =>
      (blocks[t] as ShampooBlocks).statistics.map(
        (side, i) => ({ is: 'matrix', key: `${kind}${i}.${weights[layer]}`, side, padded }) as const,
      ),
    ),
    // Identities make the number of statistics a multiple of the number of devices.
    ...Array.from({ length: count - known }, () => ({ is: 'identity', padded }) as const),
  ];
  tree.count('count');
  tree.add('stats.global_stats.statistics', 'F32', [count, padded, padded], matrices('S'));
  tree.add('stats.global_stats.preconditioners', 'F32', [count, padded, padded], matrices('P'));
  tree.add('stats.global_stats.exponents', 'I32', [count], () => [
    ...blocks.flatMap(({ statistics, exponent }) =>
      statistics.map(() => ({ is: 'fill', value: exponent as number, size: 1 }) as const),
    ),
    { is: 'fill', value: 1, size: count - known },
  ]);
  const squares = !['sgd', 'sqrt_n'].includes(shampoo.graft);
  for (const [t, tensor] of tensors.entries()) {
    const { path, shape, weights } = tensor;
    const at = `stats.local_stats.${path}`;
    if (squares) tree.tensor(`${at}.diagonal_statistics.quantized`, 'A', tensor, shape);
    for (const part of [...(squares ? [] : ['quantized']), 'diagonal', 'bucket_size'])
      tree.empty(`${at}.diagonal_statistics.${part}`);
    for (const [name, kind] of [
      ['diagonal_momentum', 'D'],
      ['momentum', 'M'],
    ] as const) {
      tree.empty(`${at}.${name}.diagonal`);
      if (!shampoo.quantized || shape.length < 2) {
        tree.tensor(`${at}.${name}.quantized`, kind, tensor, shape);
        tree.empty(`${at}.${name}.bucket_size`);
        continue;
      }
      const size = elementCount(shape);
      tree.add(`${at}.${name}.quantized`, 'I8', shape, (layer) => [
        { is: 'bytes', key: `${kind}.bytes.${weights[layer]}`, size },
      ]);
      tree.tensor(`${at}.${name}.bucket_size`, `${kind}.bucket`, tensor, shape.slice(1));
    }
    const { length } = (blocks[t] as ShampooBlocks).statistics;
    const errors = `${at}.training_metrics.inverse_pth_root_errors`;
    if (length > 0) tree.tensor(errors, 'E', tensor, [length]);
    else tree.add(errors, 'F32', [], () => [{ is: 'fill', value: 0, size: 1 }]);
  }
}

function blocksOf(
  shape: readonly number[],
  { blockSize, largestDimension }: StateSubject['optimizer']['shampoo'],
): ShampooBlocks {
  return shampooBlocks(shape, {
    blockSize,
    mergeSmallDimsBlockSize: MERGED_AT_MOST,
    skipPreconditioningDimSizeGt: largestDimension,
  });
}

/** Whether the file keeps only a row and a column of a weight's squares. */
function isFactoredIn(source: TensorSource, weight: string, { model, trained }: StateSubject): boolean {
  for (const { name, layers, tensors } of groupsOf(model, trained)) {
    const path = tensors.find(({ weights }) => weights.includes(weight))?.path;
    if (path === undefined) continue;
    const shape = source.entries.get(`${name}.0.v_row.${path}`)?.shape.slice(layers === undefined ? 0 : 1);
    return shape !== undefined && `${shape}` !== '1';
  }
  return false;
}

/** Returns how many statistics a group of the file has. Those that only fill it up are included. */
function statisticsIn(
  source: TensorSource,
  group: string,
  { model, trained }: StateSubject,
): number | undefined {
  const stacked = groupsOf(model, trained).find(({ name }) => name === group)?.layers !== undefined;
  return source.entries.get(`${group}.stats.global_stats.exponents`)?.shape[stacked ? 1 : 0];
}

/** Throws CheckpointError unless the file has exactly these arrays with these shapes. */
function requireSame(source: TensorSource, { leaves }: StateLayout): void {
  const problems: string[] = [];
  const wanted = new Set<string>();
  for (const { name, shape } of leaves) {
    wanted.add(name);
    const found = source.entries.get(name)?.shape;
    if (found === undefined) problems.push(`${name} is missing`);
    else if (`${found}` !== `${shape}`) problems.push(`${name} is [${found}], expected [${shape}]`);
  }
  for (const name of source.entries.keys()) if (!wanted.has(name)) problems.push(`${name} is not known`);
  if (problems.length > 0)
    throw new CheckpointError(
      `${source.description}: not the state of this model's optimizer: ${problems.slice(0, 8).join('; ')}${problems.length > 8 ? `; and ${problems.length - 8} more` : ''}. Is the config's optimizer, with its block size and trained weights, that of the run that wrote it?`,
    );
}

/**
 * The count of updates that a file's counters agree on. Undefined until the first counter was read.
 */
interface Counter {
  readonly path: string;
  count: number | undefined;
}

/**
 * Puts a leaf's numbers into Easel's state. Throws CheckpointError if a counter differs from an
 * earlier one.
 */
function takeLeaf(leaf: Leaf, values: Float32Array, state: Map<string, tf.Tensor>, counter: Counter): void {
  let at = 0;
  for (const piece of leaf.pieces) {
    const part = values.subarray(at, at + numbersOf(piece));
    at += part.length;
    switch (piece.is) {
      case 'tensor':
        state.set(piece.key, tf.tensor(part.slice(), [...piece.shape]));
        break;
      case 'bytes':
        state.set(piece.key, tf.tensor1d(packedBytes(part), 'int32'));
        break;
      case 'matrix':
        state.set(piece.key, tf.tensor2d(corner(part, piece), [piece.side, piece.side]));
        break;
      case 'count': {
        const [count] = part as unknown as [number];
        const before = counter.count;
        if (before !== undefined && before !== count)
          throw new CheckpointError(
            `${counter.path}: its counters differ: ${before} and, in ${leaf.name}, ${count}. Was it put together from two runs?`,
          );
        if (before === undefined) state.set(STEP, tf.scalar(count));
        counter.count = count;
      }
    }
  }
}

/** Yields a leaf's numbers from Easel's state as the file stores them. */
async function* leafData(leaf: Leaf, state: ReadonlyMap<string, tf.Tensor>): AsyncGenerator<ArrayBufferView> {
  const read = async (key: string) => (state.get(key) as tf.Tensor).data();
  const stored = leaf.dtype === 'I32' ? Int32Array : Float32Array;
  for (const piece of leaf.pieces) {
    switch (piece.is) {
      case 'tensor':
        yield await read(piece.key);
        break;
      case 'bytes':
        yield unpackedBytes((await read(piece.key)) as Int32Array, piece.size);
        break;
      case 'matrix':
        yield inIdentity((await read(piece.key)) as Float32Array, piece);
        break;
      case 'identity':
        yield inIdentity(new Float32Array(0), { side: 0, padded: piece.padded });
        break;
      case 'fill':
        yield new stored(piece.size).fill(piece.value);
        break;
      case 'count':
        yield Int32Array.from(await read(STEP));
    }
  }
}

function numbersOf(piece: Piece): number {
  switch (piece.is) {
    case 'tensor':
      return elementCount(piece.shape);
    case 'bytes':
    case 'fill':
      return piece.size;
    case 'matrix':
    case 'identity':
      return piece.padded ** 2;
    case 'count':
      return 1;
  }
}

/** Returns the leading `side` rows and columns of a matrix that has `padded` of each. */
function corner(matrix: Float32Array, { side, padded }: { side: number; padded: number }): Float32Array {
  const part = new Float32Array(side * side);
  for (let row = 0; row < side; row++)
    part.set(matrix.subarray(row * padded, row * padded + side), row * side);
  return part;
}

/** Returns an identity matrix with `matrix` in its leading corner. */
function inIdentity(matrix: Float32Array, { side, padded }: { side: number; padded: number }): Float32Array {
  const whole = new Float32Array(padded * padded);
  for (let row = 0; row < padded; row++) {
    if (row < side) whole.set(matrix.subarray(row * side, (row + 1) * side), row * padded);
    else whole[row * padded + row] = 1;
  }
  return whole;
}

/**
 * Packs bytes −127…127 as `quantizeMomentum` does. Each int32 is the sum of four bytes, each times
 * 256 to the power of its place.
 */
function packedBytes(bytes: Float32Array): Int32Array {
  const packed = new Int32Array(Math.ceil(bytes.length / 4));
  for (const [i, byte] of bytes.entries())
    packed[i >> 2] = (packed[i >> 2] as number) + byte * 256 ** (i % 4);
  return packed;
}

function unpackedBytes(packed: Int32Array, size: number): Int8Array {
  const bytes = new Int8Array(size);
  for (let i = 0, rest = 0; i < size; i++) {
    if (i % 4 === 0) rest = packed[i >> 2] as number;
    bytes[i] = rest; // the lowest eight bits, with their sign
    rest = (rest - (bytes[i] as number)) / 256;
  }
  return bytes;
}
