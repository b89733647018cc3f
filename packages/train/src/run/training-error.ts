import { EaselError } from '@easel/core';

/** A training run that can't go on: the loss or a gradient is no longer a finite number. */
export class TrainingError extends EaselError {}

/**
 * Throws TrainingError unless the loss and the norm of the gradients are finite. `changed` says
 * whether weights have been changed already.
 */
export function requireFinite(step: number, loss: number, gradientNorm: number, changed = false): void {
  const what = !Number.isFinite(loss)
    ? `the loss is ${loss}`
    : `the norm of the gradients is ${gradientNorm}`;
  if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm))
    throw new TrainingError(
      `Training stopped at step ${step + 1}: ${what}. ${changed ? 'Some of the weights were changed before it showed.' : 'The weights were not changed by it.'}`,
    );
}
