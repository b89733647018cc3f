import { addon } from './addon.js';
import { lengthOf, PACKED_FORMATS, PACKED_MATRIX } from './addon-numbers.js';

/** The formats by their names in the kernel PackedTensor. */
const FORMAT_NAMES = { F16: 'float16', BF16: 'bfloat16', INT8: 'int8', INT4: 'int4' } as const;
export type PackedFormat = keyof typeof FORMAT_NAMES;

/** What the kernel PackedTensor is given. */
export interface PackedArrays {
  readonly format: PackedFormat;
  readonly shape: readonly number[];
  readonly codes: Uint8Array;
  readonly axis?: 0 | 1;
  readonly group?: number;
  readonly scales?: Uint16Array;
  readonly offsets?: Uint16Array;
}

/** What follows a product: a bias for each column, and an index into ACTIVATIONS. */
export interface ProductEnd {
  readonly bias: Float32Array | null;
  readonly activation: number;
  readonly leak: number;
}

/** The most rows that are multiplied by a packed matrix as it is; see native/kernels/packed. */
export const MOST_PACKED_ROWS = 32;

/**
 * A matrix of floats packed into fewer than four bytes each. native/kernels/packed/packed.h has the
 * formats. Floats of other ranks are a matrix of one row.
 */
export class PackedMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly codes: Uint8Array;
  /** Whether products with it can be computed as it is packed. */
  readonly multiplies: boolean;
  private readonly scales: Uint16Array | null;
  private readonly offsets: Uint16Array | null;
  private readonly sizes: Int32Array;

  /** Throws Error if the arrays do not fit shape and format. */
  constructor({ format, shape, codes, axis = 0, group = 0, scales, offsets }: PackedArrays) {
    const refuse = (expected: string, got: unknown) => {
      throw new Error(`PackedTensor: expected ${expected}, got ${got}.`);
    };
    const size = shape.reduce((product, extent) => product * extent, 1);
    const isScaled = format === 'INT8' || format === 'INT4';
    if (!Object.hasOwn(FORMAT_NAMES, format))
      refuse(`format to be one of ${Object.keys(FORMAT_NAMES).join(', ')}`, format);
    if (!shape.every((extent) => Number.isInteger(extent) && extent >= 0)) refuse('a shape', `[${shape}]`);
    if (isScaled && shape.length !== 2) refuse('a shape of two axes', `[${shape}]`);
    [this.rows, this.columns] = shape.length === 2 ? (shape as [number, number]) : [1, size];
    const extent = axis === 0 ? this.rows : this.columns;
    if (isScaled && axis !== 0 && axis !== 1) refuse('axis 0 or 1', axis);
    if (format === 'INT4' && group !== 32 && group !== 64) refuse('group 32 or 64', group);
    if (format === 'INT4' && extent % 2 !== 0) refuse(`an even extent along axis ${axis}`, extent);
    const ofGroup = format === 'INT8' ? Math.max(1, extent) : group;
    const bytes = format === 'INT4' ? size / 2 : isScaled ? size : 2 * size;
    if (!(codes instanceof Uint8Array) || codes.length !== bytes)
      refuse(`codes of ${bytes} bytes`, codes?.length);
    const others = axis === 0 ? this.columns : this.rows;
    const count = Math.ceil(extent / ofGroup) * others;
    if (isScaled && scales?.length !== count) refuse(`${count} scales`, scales?.length);
    if (format === 'INT4' && offsets?.length !== count) refuse(`${count} offsets`, offsets?.length);
    this.codes = codes;
    this.scales = isScaled ? (scales as Uint16Array) : null;
    this.offsets = format === 'INT4' ? (offsets as Uint16Array) : null;
    this.sizes = new Int32Array(lengthOf(PACKED_MATRIX));
    this.sizes[PACKED_MATRIX.rows] = this.rows;
    this.sizes[PACKED_MATRIX.columns] = this.columns;
    this.sizes[PACKED_MATRIX.format] = PACKED_FORMATS.indexOf(FORMAT_NAMES[format]);
    this.sizes[PACKED_MATRIX.axis] = isScaled ? axis : 0;
    this.sizes[PACKED_MATRIX.group] = isScaled ? ofGroup : 0;
    this.multiplies = !isScaled || axis === 0;
  }

  /** The arrays that hold it. */
  get arrays(): readonly (Uint8Array | Uint16Array)[] {
    return [this.codes, this.scales, this.offsets].filter((array) => array !== null);
  }

  /** The number of floats. */
  get size(): number {
    return this.rows * this.columns;
  }

  /** Writes all floats. */
  widen(into: Float32Array): void {
    addon().widenPacked(into, this.codes, this.scales, this.offsets, this.sizes);
  }

  /**
   * Writes the rows at `ids`. Returns the position of the first id that is no row, or −1.
   */
  rowsAt(into: Float32Array, ids: Int32Array): number {
    return addon().packedRows(into, ids, this.codes, this.scales, this.offsets, this.sizes);
  }

  /**
   * c = activation(a·matrix + bias) + residual for up to MOST_PACKED_ROWS rows, in the bits of the
   * product with the widened matrix.
   */
  multiply(c: Float32Array, a: Float32Array, end: ProductEnd, residual: Float32Array | null): void {
    const { bias, activation, leak } = end;
    const { codes, scales, offsets, sizes } = this;
    addon().packedProduct(c, a, codes, scales, offsets, sizes, bias, activation, leak, residual);
  }
}
