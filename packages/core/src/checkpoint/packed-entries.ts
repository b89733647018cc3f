import { type TensorInfo, typedArray } from 'safetensors-ts';
import { CheckpointError } from '../errors.js';
import { float16Values } from '../packed/float16.js';
import type { PackOptions } from '../packed/pack.js';
import { INT4_GROUPS, type PackedValues, scaleShape } from '../packed/packed-values.js';
import type { SourceEntry } from './tensor-source.js';

/**
 * The metadata by which a .safetensors file says that it holds matrices of INT8 or INT4, and the
 * version of their layout:
 *
 * A matrix `x` [R, C] of INT8 is two tensors. `x.int8` is I8 [R, C]: the codes. `x.int8_scale` is F16
 * [1, C], or [R, 1] for a table that is looked up by rows: x = int8 · int8_scale.
 *
 * A matrix `x` [R, C] of INT4 is three. `x.int4` is U8 [R/2, C]: row i holds the codes of rows 2i
 * (low half of each byte) and 2i + 1 (high half) of x. `x.int4_scale` and `x.int4_offset` are F16
 * [G, C]: row g belongs to rows 32g … 32g + 31 of x, or to 64 rows: x = int4 · int4_scale +
 * int4_offset. A table has columns in place of rows: [R, C/2] and [R, G].
 *
 * All other tensors are as in any file. The names say to a reader that does not know the layout what
 * it has before it.
 */
export const QUANTIZATION_KEY = 'quantization';
export const QUANTIZATION_VERSION = 'easel-1';

type StoredTensor = Pick<TensorInfo, 'dtype' | 'shape'>;

/** A matrix of INT8 or INT4 in a file: its entry, and the names of its tensors. */
export interface PackedEntry {
  readonly entry: SourceEntry & { readonly packing: PackOptions };
  readonly codes: string;
  readonly scales: string;
  readonly offsets: string | undefined;
}

/** The tensors of a file as a model has them: those of a packed matrix are one entry. */
export interface LogicalEntries {
  readonly entries: ReadonlyMap<string, SourceEntry>;
  readonly packed: ReadonlyMap<string, PackedEntry>;
}

/** The tensors that a matrix of INT8 or INT4 is stored in, by the ends of their names. */
export function packedShapes(
  shape: readonly number[],
  { format, axis = 0, group = 32 }: Pick<PackOptions, 'format' | 'axis' | 'group'>,
): { end: string; dtype: 'I8' | 'U8' | 'F16'; shape: readonly number[] }[] {
  const [rows, columns] = shape as [number, number];
  if (format === 'INT8') {
    const scales = axis === 0 ? [1, columns] : [rows, 1];
    return [
      { end: '.int8', dtype: 'I8', shape },
      { end: '.int8_scale', dtype: 'F16', shape: scales },
    ];
  }
  const scales = scaleShape(shape, axis, group);
  return [
    { end: '.int4', dtype: 'U8', shape: axis === 0 ? [rows / 2, columns] : [rows, columns / 2] },
    { end: '.int4_scale', dtype: 'F16', shape: scales },
    { end: '.int4_offset', dtype: 'F16', shape: scales },
  ];
}

/**
 * The entries of a file, with the tensors of each packed matrix as one. Throws CheckpointError that
 * names file and tensor: a layout of another version, a part that is missing, of another dtype or of
 * another shape.
 */
export function logicalEntries(
  file: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: ReadonlyMap<string, string>,
): LogicalEntries {
  const version = metadata.get(QUANTIZATION_KEY);
  const entries = new Map<string, SourceEntry>();
  const packed = new Map<string, PackedEntry>();
  if (version !== undefined && version !== QUANTIZATION_VERSION && version.startsWith('easel-')) {
    throw new CheckpointError(
      `${file}: its weights are quantised in the layout "${version}", and this version of Easel reads "${QUANTIZATION_VERSION}". Update Easel, or convert the model again from its original weights.`,
    );
  }
  const isPacked = version === QUANTIZATION_VERSION;
  for (const [name, { dtype, shape }] of tensors) {
    const [, base, kind, part] = (isPacked && /^(.+)\.(int8|int4)(_scale|_offset)?$/.exec(name)) || [];
    if (base === undefined) entries.set(name, { name, dtype, shape });
    else if (part === undefined) {
      const found = packedEntry(file, base, kind as 'int8' | 'int4', tensors);
      if (tensors.has(base) || packed.has(base))
        throw new CheckpointError(
          `${file}, tensor "${base}": it is stored twice, also as "${name}". Convert the model again.`,
        );
      packed.set(base, found);
      entries.set(base, found.entry);
    } else if (!tensors.has(`${base}.${kind}`)) {
      throw lacking(file, base, `${base}.${kind}`, name);
    }
  }
  return { entries, packed };
}

function lacking(file: string, base: string, missing: string, found: string): CheckpointError {
  return new CheckpointError(
    `${file}, weight "${base}": expected the tensor "${missing}" beside "${found}", which is of no use alone. The file is damaged: convert the model again.`,
  );
}

function packedEntry(
  file: string,
  base: string,
  kind: 'int8' | 'int4',
  tensors: ReadonlyMap<string, StoredTensor>,
): PackedEntry {
  const part = (end: string, dtype: string): StoredTensor => {
    const name = `${base}.${kind}${end}`;
    const found = tensors.get(name);
    if (found === undefined) throw lacking(file, base, name, `${base}.${kind}`);
    if (found.dtype !== dtype || found.shape.length !== 2) {
      throw new CheckpointError(
        `${file}, tensor "${name}": expected ${dtype} of two axes, found ${found.dtype} [${found.shape}]. The file is damaged: convert the model again.`,
      );
    }
    return found;
  };
  const stored = part('', kind === 'int8' ? 'I8' : 'U8').shape as [number, number];
  const ofScale = part('_scale', 'F16').shape;
  const misshapen = (name: string, expected: string, found: readonly number[]) =>
    new CheckpointError(
      `${file}, tensor "${name}": expected ${expected} for "${base}.${kind}" [${stored}], found [${found}]. The file is damaged: convert the model again.`,
    );
  const [rows, columns] = stored;
  if (kind === 'int8') {
    const axis = ofScale[0] === 1 && ofScale[1] === columns ? 0 : 1;
    if (axis === 1 && !(ofScale[0] === rows && ofScale[1] === 1))
      throw misshapen(`${base}.int8_scale`, `[1, ${columns}] or [${rows}, 1]`, ofScale);
    return {
      entry: { name: base, dtype: 'INT8', shape: stored, packing: { format: 'INT8', axis } },
      ...{ codes: `${base}.int8`, scales: `${base}.int8_scale`, offsets: undefined },
    };
  }
  const ofOffset = part('_offset', 'F16').shape;
  if (`${ofOffset}` !== `${ofScale}`)
    throw misshapen(`${base}.int4_offset`, `[${ofScale}], as "${base}.int4_scale",`, ofOffset);
  for (const axis of [0, 1] as const) {
    const shape = axis === 0 ? [2 * rows, columns] : [rows, 2 * columns];
    for (const group of INT4_GROUPS) {
      if (`${scaleShape(shape, axis, group)}` !== `${ofScale}`) continue;
      return {
        entry: { name: base, dtype: 'INT4', shape, packing: { format: 'INT4', axis, group } },
        ...{ codes: `${base}.int4`, scales: `${base}.int4_scale`, offsets: `${base}.int4_offset` },
      };
    }
  }
  const expected = INT4_GROUPS.flatMap((group) =>
    ([0, 1] as const).map(
      (axis) => `[${scaleShape(axis === 0 ? [2 * rows, columns] : [rows, 2 * columns], axis, group)}]`,
    ),
  );
  throw misshapen(`${base}.int4_scale`, [...new Set(expected)].join(' or '), ofScale);
}

/**
 * Reads a packed matrix. `readBytes` is told the bytes of an element. Throws CheckpointError for a scale or an offset that is not finite, and
 * what reading throws.
 */
export async function readPackedEntry(
  file: string,
  { entry, codes, scales, offsets }: PackedEntry,
  readBytes: (name: string, elementBytes: 1 | 2) => Promise<Uint8Array>,
): Promise<PackedValues> {
  const halves = async (name: string): Promise<Uint16Array> => {
    const bits = typedArray({ dtype: 'F16', bytes: await readBytes(name, 2) }) as Uint16Array;
    const numbers = float16Values();
    const wrong = bits.findIndex((half) => !Number.isFinite(numbers[half] as number));
    if (wrong >= 0) {
      throw new CheckpointError(
        `${file}, tensor "${name}": expected finite numbers, found ${numbers[bits[wrong] as number]} at place ${wrong}. The file is damaged: convert the model again.`,
      );
    }
    return bits;
  };
  return {
    ...entry.packing,
    shape: entry.shape,
    codes: await readBytes(codes, 1),
    scales: await halves(scales),
    ...(offsets !== undefined && { offsets: await halves(offsets) }),
  };
}
