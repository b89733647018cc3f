import type { TensorSource, WeightRule } from '@easel/core';
import type { FirstVersionConfig } from './config.js';
import { firstVersionParameters } from './parameters.js';

/**
 * Where each weight of a first public model is in a checkpoint: under Flax's names (dots for
 * slashes), else under ours. Nothing is transposed, both store kernels as [in, out].
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
