import type { OpenOptions } from '@easel/core';
import type { LoadingEvent } from '@easel/train';
import { Progress } from './progress.js';

/** Work that ends within this time, as the opening of a small model, gets no progress bar. */
export const PATIENCE_MILLISECONDS = 1000;

/**
 * Opens a model. If that takes longer than a moment, a bar on stderr counts its weights. `signal`
 * stops it between two weights. Returns and throws what `open` does.
 */
export async function loading<T>(
  label: string,
  { quiet, signal }: { readonly quiet: boolean; readonly signal: AbortSignal },
  open: (options: Required<Pick<OpenOptions, 'onWeight' | 'signal'>>) => Promise<T>,
): Promise<T> {
  const progress = loadingBar(label, quiet);
  try {
    return await open({ signal, onWeight: (_, done, total) => progress.update(done, { total }) });
  } finally {
    progress.finish();
  }
}

function loadingBar(label: string, quiet: boolean): Progress {
  return new Progress({ label, unit: 'tensors', quiet, afterMilliseconds: PATIENCE_MILLISECONDS });
}

/** Shows the same bar for each model that a training says it loads. */
export class LoadingBars {
  private readonly quiet: boolean;
  private bar: Progress | undefined;

  constructor(quiet: boolean) {
    this.quiet = quiet;
  }

  update({ model, done, total }: LoadingEvent): void {
    this.bar ??= loadingBar(`loading ${model}`, this.quiet);
    this.bar.update(done, { total });
    if (done === total) this.finish();
  }

  /** Ends the bar of a model that did not open. */
  finish(): void {
    this.bar?.finish();
    this.bar = undefined;
  }
}
