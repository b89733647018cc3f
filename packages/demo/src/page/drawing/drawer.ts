import type { GenerationSettings, PromptHint } from '@easel/draw';

/** What is to be drawn. */
export interface DrawingRequest {
  readonly prompt: string;
  /** Number of pictures. */
  readonly images: number;
  readonly seed: number;
  readonly settings: GenerationSettings;
}

/** What the model makes of a prompt. */
export type Hints = Omit<PromptHint, 'prompt'>;

/** What happens to a drawing. Pictures are PNG files, previews files that an img shows. */
export type DrawingEvent =
  | { readonly type: 'accepted'; readonly hints: Hints | undefined }
  /** seconds: until the first picture is begun; null where not known. */
  | { readonly type: 'queued'; readonly place: number; readonly seconds: number | null }
  | { readonly type: 'tokens'; readonly done: number; readonly total: number }
  /** share: how much of the picture is there, from its top, 0 to 1. */
  | { readonly type: 'preview'; readonly index: number; readonly share: number; readonly picture: Blob }
  /** score: CLIP's, if there is one. */
  | { readonly type: 'picture'; readonly index: number; readonly picture: Blob; readonly score?: number };

/** What is known of whoever draws. */
export interface DrawerFacts {
  /** Name of the model. */
  readonly model: string;
  /** Sides of its pictures in pixels. */
  readonly width: number;
  readonly height: number;
  /** The settings with which it draws best. */
  readonly settings: GenerationSettings;
  /** Prompts to begin with. */
  readonly examples: readonly string[];
  /** Pictures of a request, at most. */
  readonly images: number;
  /** Characters of a prompt, at most. */
  readonly promptLength: number;
  /** What computes, and why. */
  readonly backend: { readonly name: string; readonly reason: string };
}

/** Draws: on a server, or in this browser. */
export interface Drawer {
  readonly facts: DrawerFacts;
  /** Whether the model is in this browser. */
  readonly isLocal: boolean;
  /**
   * Draws a request. The events end with the last picture. Throws the signal's reason once it is
   * aborted, and Error with a sentence for the reader if the drawing fails.
   */
  draw(request: DrawingRequest, signal: AbortSignal): AsyncIterable<DrawingEvent>;
  /** Frees what it holds. */
  close(): void;
}
