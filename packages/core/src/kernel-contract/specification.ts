/**
 * A tensor that a kernel takes or returns.
 *
 * `shape` lists extents. A letter is a size, the same wherever it stands in one kernel. A number is
 * itself. `1|B` is 1 or B. `..` is any number of axes, the same wherever it stands. `*` is any
 * size. The empty string is a scalar.
 */
export interface TensorSpecification {
  readonly dtype: 'float32' | 'int32';
  readonly shape: string;
  /** Whether the tensor may be left out. */
  readonly optional: boolean;
  /** What the tensor is, if the name and the kernel's formula do not say it. */
  readonly about: string;
}

/** A setting of a kernel. `T` is its type, which only the compiler uses. */
export interface AttributeSpecification<T> {
  readonly optional: boolean;
  /** Which values the attribute has, and what it is if the name does not say it. */
  readonly about: string;
  /** The letter in the kernel's shapes whose size this attribute is. */
  readonly letter?: string;
  /** Carries the type; it is never set. */
  readonly type?: T;
}

/** A kernel's contract: its formula, inputs, attributes and outputs. */
export interface KernelSpecification {
  /** The formula, or where the formula stands. */
  readonly computes: string;
  readonly inputs: Readonly<Record<string, TensorSpecification>>;
  readonly attributes: Readonly<Record<string, AttributeSpecification<unknown>>>;
  /** The outputs, in the order in which the kernel returns them. */
  readonly outputs: readonly (TensorSpecification & { readonly name: string })[];
  /** The inputs whose values the kernel changes, if nothing else would see that. */
  readonly changes: readonly string[];
  /** Kernels that a backend with this one must have too: its gradient's, and other forms of it. */
  readonly needs: readonly string[];
}

/** A float32 tensor of that shape. */
export function float32<const S extends string>(shape: S, about = '') {
  return { dtype: 'float32', shape, optional: false, about } as const;
}

/** An int32 tensor of that shape. */
export function int32<const S extends string>(shape: S, about = '') {
  return { dtype: 'int32', shape, optional: false, about } as const;
}

/** The same tensor or attribute, which may be left out. */
export function optional<const S extends { readonly optional: boolean }>(
  specification: S,
): Omit<S, 'optional'> & { readonly optional: true } {
  return { ...specification, optional: true };
}

/** An output and its name. */
export function output<const N extends string, const S extends TensorSpecification>(
  name: N,
  specification: S,
): S & { readonly name: N } {
  return { ...specification, name };
}

function attribute<T>(
  about: string,
  letter?: string,
): AttributeSpecification<T> & { readonly optional: false } {
  return { optional: false, about, ...(letter !== undefined && { letter }) };
}

/** A number. */
export const real = (about: string) => attribute<number>(about);

/** A whole number. `letter` is given if it is a size. */
export const integer = (about: string, letter?: string) => attribute<number>(about, letter);

/** True or false. */
export const flag = (about = '') => attribute<boolean>(about);

/** One of some names. */
export const oneOf = <const Name extends string>(...names: readonly Name[]) =>
  attribute<Name>(names.join(', '));

/** A value of type T that none of the other functions describes. */
export const setting = <T>(about: string) => attribute<T>(about);
