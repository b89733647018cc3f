import type { DalleBartConfig } from './config.js';
import { DropoutPlace } from './dropout-place.js';
import { inside, layerPlace, type StackName } from './flax-place.js';

/** The places where a layer drops activations. */
export interface LayerDropouts {
  readonly self: DropoutPlace;
  /** Behind cross-attention, in decoder layers. */
  readonly cross: DropoutPlace;
  /** `activation` is within the feed-forward block, `feedForward` behind it. */
  readonly activation: DropoutPlace;
  readonly feedForward: DropoutPlace;
}

/** The differences of the two public models that no setting of the second version expresses. */
export interface ModelVersion {
  /** Added to the variance in every norm. */
  readonly epsilon: number;
  /** Number of rows at the start of the position tables that no token uses. */
  readonly positionOffset: number;
  layerDropouts(config: DalleBartConfig, stack: StackName, index: number): LayerDropouts;
}

/** The config and version from which layers are built. */
export type LayerConfig = DalleBartConfig & { readonly version: ModelVersion };

/** DALL·E mini and mega of 2022. Source: dalle-mini `modeling.py`. */
export const SECOND_VERSION: ModelVersion = {
  epsilon: 1e-5,
  positionOffset: 0,
  layerDropouts(config, stack, index) {
    const place = layerPlace(config, stack, index);
    const block = inside(place, config.useGlu ? 'GLU_0' : 'FFN_0');
    return {
      self: new DropoutPlace(config.dropout, inside(place, 'Dropout_0')),
      cross: new DropoutPlace(config.dropout, inside(place, 'Dropout_1')),
      activation: new DropoutPlace(config.activationDropout, inside(block, 'Dropout_0')),
      feedForward: new DropoutPlace(config.dropout, inside(block, 'Dropout_1')),
    };
  },
};
