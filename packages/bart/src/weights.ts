import type { TensorSource, WeightRule } from '@easel/core';
import type { DalleBartConfig } from './config.js';
import { type Parameter, parameters } from './parameters.js';

/**
 * Where each of our weights is in a Flax checkpoint of `source`'s layout: layers stacked ("scanned") or apart. Names are
 * joined with dots; nothing is transposed, both sides store kernels as [in, out].
 *
 * The layout is read off the source's names, so a config whose use_scan says otherwise still loads.
 */
export function rulesForFlax(
  config: DalleBartConfig,
  source: Pick<TensorSource, 'entries'>,
): Map<string, WeightRule> {
  const stacked = [...source.entries.keys()].some((name) => /\.FlaxBart(?:En|De)coderLayers\./.test(name));
  const table = parameters({ ...config, useScan: stacked });
  const wanted = new Set(parameters(config).map((parameter) => parameter.name));
  return new Map(
    table
      .filter((parameter) => wanted.has(parameter.name))
      .map((parameter) => [parameter.name, flaxRule(parameter)]),
  );
}

/** Where each of our weights is in a checkpoint that we wrote: under its own name. */
export function rulesForEasel(config: DalleBartConfig): Map<string, WeightRule> {
  return new Map(parameters(config).map(({ name }) => [name, { source: name }]));
}

/** Whether a checkpoint has Flax's names. */
export function hasFlaxNames(source: Pick<TensorSource, 'entries'>): boolean {
  return source.entries.has('model.encoder.embed_tokens.embedding');
}

function flaxRule({ place, leaf }: Parameter): WeightRule {
  const source = [...place.path, leaf].join('.');
  return place.stacked ? { source, slice: place.stacked.index } : { source };
}
