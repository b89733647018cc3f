import { elementCount } from 'safetensors-ts';
import { EaselError } from '../errors.js';

/**
 * How the floats of a tensor are packed into fewer bytes than four each.
 *
 * F16 and BF16 are float16 and bfloat16. INT8 and INT4 are whole numbers of 8 and 4 bits, each with
 * a scale that it shares with others: w = scale·code, or with INT4 w = scale·code + offset.
 */
export const PACKED_FORMATS = ['F16', 'BF16', 'INT8', 'INT4'] as const;
/** One of `PACKED_FORMATS`. */
export type PackedFormat = (typeof PACKED_FORMATS)[number];

/** The formats of matrices whose numbers share scales. */
export type QuantizedFormat = 'INT8' | 'INT4';

/** The sizes of the groups that INT4 may have. */
export const INT4_GROUPS = [32, 64] as const;

/**
 * The floats of a tensor in one of the packed formats, C order, little-endian. Arrays are not
 * copied where they are handed on, and must not change.
 *
 * F16, BF16: `codes` holds two bytes for each float, and the shape may be any.
 *
 * INT8: the shape is [R, C], and `codes` holds a signed byte for each number, −127 … 127. Numbers
 * that differ only in their place along `axis` share a scale.
 *
 * INT4: the shape is [R, C] with an even extent along `axis`. Numbers along `axis` are cut into
 * groups of `group`, the last of which may be shorter; a group shares a scale and an offset. A byte
 * of `codes` holds the codes, 0 … 15, of places 2i (its low half) and 2i + 1 along `axis`. So
 * `codes` is [R/2, C] or [R, C/2].
 *
 * `scales` and `offsets` are float16 bits, of the same shape with as many places along `axis` as
 * there are groups.
 */
export interface PackedValues {
  readonly format: PackedFormat;
  readonly shape: readonly number[];
  readonly codes: Uint8Array;
  /** INT8 and INT4: 0 or 1. */
  readonly axis?: 0 | 1;
  /** INT4: 32 or 64. */
  readonly group?: number;
  readonly scales?: Uint16Array;
  /** INT4. */
  readonly offsets?: Uint16Array;
}

/** Bytes of the codes of a tensor. */
export function codeBytes(format: PackedFormat, shape: readonly number[]): number {
  const count = elementCount(shape);
  if (format === 'INT8') return count;
  return format === 'INT4' ? count / 2 : 2 * count;
}

/** The shape of scales and offsets: [groups, C] along axis 0, [R, groups] along axis 1. */
export function scaleShape(shape: readonly number[], axis: 0 | 1, group: number): [number, number] {
  const [rows, columns] = shape as [number, number];
  return axis === 0 ? [Math.ceil(rows / group), columns] : [rows, Math.ceil(columns / group)];
}

/** The extent of a group: INT4's, or with INT8 the whole axis. */
export function groupOf({ format, shape, axis = 0, group }: PackedValues): number {
  return format === 'INT8' ? Math.max(1, shape[axis] as number) : (group as number);
}

/** Bytes of all arrays. */
export function packedBytes({ codes, scales, offsets }: PackedValues): number {
  return codes.byteLength + (scales?.byteLength ?? 0) + (offsets?.byteLength ?? 0);
}

/**
 * Throws EaselError that names what does not fit: an unknown format, a shape that the format cannot
 * have, or an array of another length.
 */
export function checkPacked(packed: PackedValues): void {
  const { format, shape, codes, axis, group, scales, offsets } = packed;
  const refuse = (what: string, expected: string, found: unknown): never => {
    throw new EaselError(`packed ${format} [${shape}]: expected ${what} ${expected}, got ${found}.`);
  };
  if (!PACKED_FORMATS.includes(format)) refuse('format', `one of ${PACKED_FORMATS.join(', ')}`, format);
  if (format === 'INT8' || format === 'INT4') {
    if (shape.length !== 2) refuse('shape', '[R, C]', `[${shape}]`);
    if (axis !== 0 && axis !== 1) refuse('axis', '0 or 1', axis);
    if (format === 'INT4') {
      if ((shape[axis as number] as number) % 2 !== 0)
        refuse(`axis ${axis}`, 'of an even extent', shape[axis as number]);
      if (!(INT4_GROUPS as readonly unknown[]).includes(group))
        refuse('group', INT4_GROUPS.join(' or '), group);
    }
    const [r, c] = scaleShape(shape, axis as 0 | 1, groupOf(packed));
    if (scales?.length !== r * c) refuse('scales', `[${r}, ${c}]`, `${scales?.length ?? 0} of them`);
    if (format === 'INT4' && offsets?.length !== r * c)
      refuse('offsets', `[${r}, ${c}]`, `${offsets?.length ?? 0} of them`);
  }
  const bytes = codeBytes(format, shape);
  if (codes.byteLength !== bytes) refuse('codes', `of ${bytes} bytes`, codes.byteLength);
}
