import type { DalleBartConfig } from './config.js';
import { DropoutPlace } from './dropout-place.js';
import { inside, layerPlace, type StackName } from './flax-place.js';

/** Where a layer drops activations. */
export interface LayerDropouts {
  readonly self: DropoutPlace;
  /** Of decoder layers. */
  readonly cross: DropoutPlace;
  /** Within the feed-forward block, and behind it. */
  readonly activation: DropoutPlace;
  readonly feedForward: DropoutPlace;
}

/** How the two public models differ where no setting of the second says so. */
export interface ModelVersion {
  /** Added to the variance in every norm. */
  readonly epsilon: number;
  /** Rows at the start of the position tables that no token uses. */
  readonly positionOffset: number;
  layerDropouts(config: DalleBartConfig, stack: StackName, index: number): LayerDropouts;
}

/** What the layers are built from. */
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
