import { CheckpointError, loadWeights } from '@easel/core';
import { openCheckpoint } from '@easel/core/node';
import type { PatchDiscriminator } from './discriminator.js';
import { discriminatorRules } from './weights.js';

/**
 * Prefixes of a discriminator's names in a checkpoint of taming: alone, in a state_dict, and in
 * Lightning's file around one.
 */
const TAMING_PREFIXES = ['', 'loss.discriminator.', 'state_dict.loss.discriminator.'];

/**
 * Loads a discriminator's weights and statistics from a file: `discriminator.safetensors` of a
 * training's checkpoint, or a checkpoint of taming, whose other weights are ignored.
 *
 * Throws CheckpointError for a file that cannot be read, that has no discriminator, or whose
 * discriminator has other sizes (with all mismatches by name).
 */
export async function loadDiscriminator(discriminator: PatchDiscriminator, file: string): Promise<void> {
  const source = await openCheckpoint(file);
  try {
    const weights = discriminator.namedWeights();
    if (source.entries.has('conv0.kernel')) {
      const rules = new Map([...weights.keys()].map((name) => [name, { source: name }]));
      await loadWeights(weights, source, rules);
      return;
    }
    const prefix = TAMING_PREFIXES.find((start) => source.entries.has(`${start}main.0.weight`));
    if (prefix === undefined) {
      const names = [...source.entries.keys()].slice(0, 4).join(', ');
      throw new CheckpointError(
        `${file}: expected a discriminator (conv0.kernel, main.0.weight or loss.discriminator.main.0.weight), found ${names} … Is it discriminator.safetensors of a run's checkpoint, or a checkpoint of taming?`,
      );
    }
    const ignore = (name: string): boolean =>
      !name.startsWith(`${prefix}main.`) || name.endsWith('.num_batches_tracked');
    await loadWeights(weights, source, discriminatorRules(weights.keys(), prefix), { ignore });
  } finally {
    await source.close();
  }
}
