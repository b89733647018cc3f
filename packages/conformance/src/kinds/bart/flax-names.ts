import type { ModelPlan } from '@easel/bart';
import { bartParameters, firstVersionParameters, type Parameter } from '@easel/bart/internals';
import { elementCount } from 'safetensors-ts';

/** Lists every weight of a model. */
export function table(plan: ModelPlan): Parameter[] {
  return plan.version === 1 ? firstVersionParameters(plan.config) : bartParameters(plan.config);
}

/**
 * Returns the name of a weight in the original's tree, joined with "/". Stacked layers share one
 * name.
 */
export function flaxName({ place, leaf }: Parameter): string {
  return [...place.path, leaf].join('/');
}

/** Returns a weight's part of the original's array: the layer's slice if layers are stacked. */
export function partOf(all: Float32Array, { place, shape }: Parameter): Float32Array {
  const size = elementCount(shape);
  const index = place.stacked?.index ?? 0;
  return all.subarray(index * size, (index + 1) * size);
}

/** Returns the shapes under the original's names, with stacked layers put together. */
export function flaxShapes(weights: readonly Parameter[]): Map<string, number[]> {
  return new Map(
    weights.map((weight) => {
      const { stacked } = weight.place;
      return [flaxName(weight), stacked ? [stacked.count, ...weight.shape] : [...weight.shape]];
    }),
  );
}
