import { DropoutPlace } from '../dropout-place.js';
import { inside } from '../flax-place.js';
import type { ModelVersion } from '../version.js';

/**
 * Describes the first public model, which is Flax BART. Each layer has one dropout module, which is
 * used once for each sub-block. The position tables begin with two rows that BART keeps for
 * padding. Source: transformers 4.9.1 `models/bart/modeling_flax_bart.py`.
 */
export function firstVersion(epsilon: number): ModelVersion {
  return {
    epsilon,
    positionOffset: 2,
    layerDropouts(config, stack, index) {
      const layer = { path: ['model', stack, 'layers', String(index)] };
      const at = (draw: number): DropoutPlace =>
        new DropoutPlace(config.dropout, inside(layer, 'dropout_layer'), draw);
      return {
        self: at(1),
        cross: at(2),
        activation: new DropoutPlace(config.activationDropout, inside(layer, 'activation_dropout_layer')),
        feedForward: at(stack === 'encoder' ? 2 : 3),
      };
    },
  };
}
