import type { Tensor } from '@tensorflow/tfjs';
import type { KERNELS } from './kernels.js';
import type { AttributeSpecification } from './specification.js';

/** Names of the fused kernels. */
export type KernelName = keyof typeof KERNELS;

type Specification<Name extends KernelName> = (typeof KERNELS)[Name];

type OptionalKeys<T> = { [K in keyof T]: T[K] extends { readonly optional: true } ? K : never }[keyof T];
type RequiredKeys<T> = Exclude<keyof T, OptionalKeys<T>>;

/** A kernel's inputs by name. Those that may be left out may be undefined. */
export type KernelInputs<Name extends KernelName, T = Tensor> = {
  readonly [K in RequiredKeys<Specification<Name>['inputs']>]: T;
} & { readonly [K in OptionalKeys<Specification<Name>['inputs']>]?: T | undefined };

type Value<S> = S extends AttributeSpecification<infer T> ? T : never;

/** A kernel's attributes by name. */
export type KernelAttributes<Name extends KernelName> = {
  readonly [K in RequiredKeys<Specification<Name>['attributes']>]: Value<
    Specification<Name>['attributes'][K]
  >;
} & {
  readonly [K in OptionalKeys<Specification<Name>['attributes']>]?: Value<
    Specification<Name>['attributes'][K]
  >;
};

type Outputs<Specifications, T> = Specifications extends readonly [infer First, ...infer Rest]
  ? First extends { readonly optional: true }
    ? [T?, ...Outputs<Rest, T>]
    : [T, ...Outputs<Rest, T>]
  : [];

/** A kernel's outputs in order. */
export type KernelOutputs<Name extends KernelName, T = Tensor> = Outputs<Specification<Name>['outputs'], T>;

/**
 * The attributes as the last argument of a call. The argument may be left out if all of them may.
 */
export type AttributesArgument<Name extends KernelName> =
  Record<never, never> extends KernelAttributes<Name>
    ? [attributes?: KernelAttributes<Name>]
    : [attributes: KernelAttributes<Name>];

/** The type of a backend's kernel in the check below: what it takes and returns. */
export type Signature<Inputs, Attributes, Outputs> = (inputs: Inputs, attributes: Attributes) => Outputs;

/** What the contract asks of a kernel. A single output may come without its list. */
type Expected<Name extends KernelName, T> = Signature<
  KernelInputs<Name, T>,
  KernelAttributes<Name>,
  KernelOutputs<Name, T> extends [T] ? T | readonly [T] : Readonly<KernelOutputs<Name, T>>
>;

type SameKeys<A, B> = [keyof A] extends [keyof B] ? ([keyof B] extends [keyof A] ? true : false) : false;

type Problem<Name extends KernelName, S, T> =
  S extends Signature<infer Inputs, infer Attributes, unknown>
    ? SameKeys<Inputs, KernelInputs<Name, T>> extends false
      ? 'the names of its inputs are not those of the contract'
      : SameKeys<Attributes, KernelAttributes<Name>> extends false
        ? 'the names of its attributes are not those of the contract'
        : S extends Expected<Name, T>
          ? never
          : 'the types of its inputs, attributes or outputs do not fit the contract'
    : 'it has no signature';

/**
 * What is wrong with a backend's kernels. This is a type without properties if they keep the
 * contract.
 *
 * `Kernels` maps names to `Signature`s with `T` for a tensor. Kernels that are not in the contract
 * are ignored, and so are those that the backend lacks. See native-backend.ts.
 */
export type ContractProblems<Kernels, T> = {
  [Name in KernelName & keyof Kernels as Problem<Name, Kernels[Name], T> extends never
    ? never
    : Name]: Problem<Name, Kernels[Name], T>;
};

/** The kernels of the contract that a backend lacks, in the form of `ContractProblems`. */
export type MissingKernels<Kernels> = {
  [Name in Exclude<KernelName, keyof Kernels>]: 'the backend has no such kernel';
};
