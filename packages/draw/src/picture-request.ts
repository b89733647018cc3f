import type { Raster } from '@easel/core';
import type { GenerationSettings } from './generation-settings.js';
import type { TokenSearch } from './token-search.js';

/** What is to be drawn: so many pictures of each prompt. */
export interface PictureRequest {
  readonly prompts: readonly string[];
  /** Number of pictures of each prompt (default 1). */
  readonly images?: number;
  /**
   * Seed of the noise (default 0). Picture i of a prompt depends on model, prompt, seed, settings
   * and i alone.
   */
  readonly seed?: number;
  /** Settings in place of the model's own. A beam search ignores them. */
  readonly settings?: Partial<GenerationSettings>;
  /** The way of finding codes (default: they are drawn as DALL·E mini draws them). */
  readonly search?: TokenSearch;
  /**
   * Whether ids without a code may be drawn, as in the original (default false). A picture with
   * such an id becomes black, as in the original.
   */
  readonly allIds?: boolean;
  /**
   * Whether pictures are shown while they are drawn (default false). The lines of codes that are
   * there are drawn, and the rest is grey. A beam search has no previews.
   */
  readonly preview?: boolean;
  /** Ends the request at once, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Says which picture of a request is meant. */
export interface PicturePlace {
  readonly prompt: string;
  /** Index of the prompt in the list. */
  readonly promptIndex: number;
  /** Number of this picture among those of its prompt, from 0. */
  readonly index: number;
}

/** A finished picture. */
export interface Picture extends PicturePlace {
  /** The T image codes, row by row. */
  readonly tokens: Int32Array;
  readonly pixels: Raster;
}

/** A picture that is being drawn. */
export interface PicturePreview extends PicturePlace {
  /** The share of the picture that is there, from 0 to 1; the rest of the pixels is grey. */
  readonly share: number;
  readonly pixels: Raster;
}

/** What happens to a request in a queue. */
export type PictureEvent =
  /** No picture of the request has been begun. Its next one is number `place` in the queue, from 1. */
  | { readonly type: 'queued'; readonly place: number }
  /** `done` of the request's `total` codes are there. */
  | { readonly type: 'tokens'; readonly done: number; readonly total: number }
  | { readonly type: 'preview'; readonly preview: PicturePreview }
  /** Pictures come in order: prompt by prompt, and those of a prompt by their number. */
  | { readonly type: 'picture'; readonly picture: Picture };
