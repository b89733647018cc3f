import { join } from 'node:path';
import {
  AdamW,
  ConfigError,
  foldInNames,
  type Key,
  type Optimizer,
  type Schedule,
  ShapeError,
} from '@easel/core';
import { initializeDiscriminator, PatchDiscriminator } from '@easel/vqgan';
import { loadDiscriminator } from '@easel/vqgan/internals/node';
import * as tf from '@tensorflow/tfjs';
import type { VqganTrainingConfig } from '../config/vqgan-config.js';
import type { CheckpointParts } from '../run/checkpoint-store.js';
import { restoreState } from '../run/restore-checkpoint.js';

type AdversarialSettings = NonNullable<VqganTrainingConfig['adversarial']>;

/** The discriminator of a VQGAN's training, with its optimizer. */
export class Adversary {
  readonly discriminator: PatchDiscriminator;
  readonly optimizer: Optimizer;
  readonly settings: AdversarialSettings;

  /**
   * Makes a fresh discriminator with this key, or opens the one that `settings.init` names.
   * `schedule` is the VQGAN's; `size` is the side of the pictures. Throws ConfigError if pictures
   * are too small for it, CheckpointError if `init` doesn't fit.
   */
  static async create(
    settings: AdversarialSettings,
    schedule: Schedule,
    size: number,
    key: Key,
  ): Promise<Adversary> {
    const { layers, width, actNorm, init } = settings;
    const discriminator = new PatchDiscriminator({ layers, width, actNorm });
    try {
      requireRoom(discriminator, size, layers);
      if (init === null) initializeDiscriminator(discriminator, foldInNames(key, ['discriminator']));
      else await loadDiscriminator(discriminator, init);
    } catch (error) {
      discriminator.dispose();
      throw error;
    }
    return new Adversary(settings, discriminator, schedule);
  }

  private constructor(settings: AdversarialSettings, discriminator: PatchDiscriminator, schedule: Schedule) {
    const { rate, beta1, beta2 } = settings;
    // The optimizer counts its own updates. They begin later if the discriminator idles.
    const before = settings.idle ? settings.startStep : 0;
    this.settings = settings;
    this.discriminator = discriminator;
    this.optimizer = new AdamW({ schedule: (count) => rate * schedule(before + count), beta1, beta2 });
  }

  /** Whether the discriminator takes part in update `step`. */
  takesPart(step: number): boolean {
    return !this.settings.idle || step >= this.settings.startStep;
  }

  /** Returns the weights with the norms' statistics, and the optimizer's state. */
  checkpointParts(): CheckpointParts {
    return {
      discriminator: this.discriminator.namedWeights(),
      discriminatorOptimizer: this.optimizer.state(),
    };
  }

  /** Restores these parts from a checkpoint. Throws CheckpointError if they don't fit. */
  async restore(checkpoint: string): Promise<void> {
    await loadDiscriminator(this.discriminator, join(checkpoint, 'discriminator.safetensors'));
    await restoreState(this.optimizer, checkpoint, 'discriminatorOptimizer');
  }

  dispose(): void {
    this.discriminator.dispose();
    this.optimizer.dispose();
  }
}

/** Throws ConfigError if pictures of this side are too small for the discriminator. */
function requireRoom(discriminator: PatchDiscriminator, size: number, layers: number): void {
  try {
    tf.tidy(() => {
      discriminator.judge(tf.zeros([1, size, size, 3]), false);
    });
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new ConfigError(
      `adversarial.layers ${layers}: pictures of ${size} pixels are too small for so many; take fewer.`,
    );
  }
}
