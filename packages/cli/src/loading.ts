import type { OpenOptions } from '@easel/core';
import { Progress } from './progress.js';

/** A model that opens sooner than this needs no bar. */
const PATIENCE_MILLISECONDS = 1000;

/**
 * Opens a model with a bar of its weights on stderr, where that takes longer than a moment; `signal` stops it between
 * two weights. Returns and throws what `open` does.
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
