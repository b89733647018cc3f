import type { ModelPlan } from '@easel/bart';
import { bartParameters, firstVersionParameters, type Parameter } from '@easel/bart/internals';
import { elementCount } from 'safetensors-ts';

/** Every weight of a model. */
export function table(plan: ModelPlan): Parameter[] {
  return plan.version === 1 ? firstVersionParameters(plan.config) : bartParameters(plan.config);
}

/**
 * The name of a weight in the original's tree, "/" joined; layers that are stacked have one name.
 */
export function flaxName({ place, leaf }: Parameter): string {
  return [...place.path, leaf].join('/');
}

/** A weight's part of the original's array: a layer's slice where layers are stacked. */
export function partOf(all: Float32Array, { place, shape }: Parameter): Float32Array {
  const size = elementCount(shape);
  const index = place.stacked?.index ?? 0;
  return all.subarray(index * size, (index + 1) * size);
}

/** Shapes by the original's names, stacks put together. */
export function flaxShapes(weights: readonly Parameter[]): Map<string, number[]> {
  return new Map(
    weights.map((weight) => {
      const { stacked } = weight.place;
      return [flaxName(weight), stacked ? [stacked.count, ...weight.shape] : [...weight.shape]];
    }),
  );
}
