import type { OpenOptions } from '@easel/core';
import { Progress } from './progress.js';

/** A model that opens within this time gets no progress bar. */
const PATIENCE_MILLISECONDS = 1000;

/**
 * Opens a model. If that takes longer than a moment, a bar on stderr counts its weights. `signal`
 * stops it between two weights. Returns and throws what `open` does.
 */
export async function loading<T>(
  label: string,
  { quiet, signal }: { readonly quiet: boolean; readonly signal: AbortSignal },
  open: (options: Required<Pick<OpenOptions, 'onWeight' | 'signal'>>) => Promise<T>,
): Promise<T> {
  const progress = new Progress({ label, unit: 'tensors', quiet, afterMilliseconds: PATIENCE_MILLISECONDS });
  try {
    return await open({ signal, onWeight: (_, done, total) => progress.update(done, { total }) });
  } finally {
    progress.finish();
  }
}
