import type { TensorSource, WeightRule } from '@easel/core';
import type { FirstVersionConfig } from './config.js';
import { firstVersionParameters } from './parameters.js';

/**
 * Maps each weight of a first public model to its place in a checkpoint, which has Flax's names
 * (with dots for slashes) or ours. Nothing is transposed, because both store kernels as [in, out].
 */
export function rulesForFirstVersion(
  config: FirstVersionConfig,
  source: Pick<TensorSource, 'entries'>,
): Map<string, WeightRule> {
  const flax = source.entries.has('model.shared.embedding');
  return new Map(
    firstVersionParameters(config).map(({ name, place, leaf }) => [
      name,
      { source: flax ? [...place.path, leaf].join('.') : name },
    ]),
  );
}
