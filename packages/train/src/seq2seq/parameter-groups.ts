import type { DalleBartConfig } from '@easel/bart';
import { bartParameters } from '@easel/bart/internals';
import { elementCount } from 'safetensors-ts';
import type { ParameterGroup } from '../run/training-plan.js';
import { isImageSide } from './trained-weights.js';

/** Counts the parameters of a model by its parts, without building it. */
export function parameterGroups(
  config: DalleBartConfig,
  trainable: 'all' | 'embeddings',
): readonly ParameterGroup[] {
  const layers = (count: number) => `${count} ${count === 1 ? 'layer' : 'layers'}`;
  const parts: readonly (readonly [name: string, prefix: RegExp])[] = [
    ['text embeddings', /^encoder\.(embed|layernorm_embedding)/],
    [`encoder, ${layers(config.encoderLayers)}`, /^encoder\./],
    ['image embeddings', /^decoder\.(embed|layernorm_embedding)/],
    [`decoder, ${layers(config.decoderLayers)}`, /^decoder\./],
    ['head', /^lm_head\./],
  ];
  const groups = new Map(parts.map(([name]) => [name, { name, count: 0, trained: 0 }]));
  for (const { name, shape } of bartParameters(config)) {
    const [part] = parts.find(([, prefix]) => prefix.test(name)) as (typeof parts)[number];
    const group = groups.get(part) as { count: number; trained: number };
    const size = elementCount(shape);
    group.count += size;
    if (trainable === 'all' || isImageSide(name)) group.trained += size;
  }
  return [...groups.values()];
}
