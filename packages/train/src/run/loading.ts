import type { OpenOptions } from '@easel/core';

/** Says that a model's weights are being read. */
export interface LoadingEvent {
  readonly kind: 'loading';
  /** What is loaded, e.g. `the VQGAN`. */
  readonly model: string;
  /** Number of weights that have been read, of `total`. */
  readonly done: number;
  readonly total: number;
}

/** Hears of models that are loaded. */
export type OnLoading = ((event: LoadingEvent) => void) | undefined;

/** Returns the options with which a model is opened, so that its loading is told. */
export function loadingOptions(model: string, tell: OnLoading): Pick<OpenOptions, 'onWeight'> {
  return tell === undefined
    ? {}
    : { onWeight: (_, done, total) => tell({ kind: 'loading', model, done, total }) };
}
