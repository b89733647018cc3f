import type { GenerationSettings, Picture, PictureEvent, PromptHint, QueueLoad } from '@easel/draw';

/** What the drawing thread is started with. */
export interface ThreadSettings {
  /** The model's folder. */
  readonly model: string;
  /** Folder of a CLIP that scores the pictures (default none). */
  readonly clip?: string | undefined;
  /** Name of the backend (default: the variable EASEL_BACKEND, else the fastest that starts). */
  readonly backend?: string | undefined;
  /** Pictures drawn at a time, at most (default: 16, or as many as fit into memory). */
  readonly slots?: number | undefined;
}

/** What is known of a model that is open. */
export interface ModelFacts {
  /** Sides of its pictures in pixels. */
  readonly width: number;
  readonly height: number;
  /** Codes of a picture. */
  readonly imageLength: number;
  /** The settings that it draws with where a request gives none. */
  readonly settings: GenerationSettings;
  /** Whether pictures have scores. */
  readonly scores: boolean;
  /** Prompts that it draws well. */
  readonly examples: readonly string[];
  /** The backend that runs, and why. */
  readonly backend: { readonly name: string; readonly reason: string };
  /** Pictures drawn at a time, at most. */
  readonly slots: number;
}

/** A request as it goes to the thread. */
export interface DrawRequest {
  readonly prompt: string;
  readonly images: number;
  readonly seed: number;
  readonly settings: Partial<GenerationSettings>;
  readonly preview: boolean;
}

/** What happens to a request. */
export type DrawingEvent =
  | Exclude<PictureEvent, { readonly type: 'picture' }>
  /** score: how well the picture fits its prompt, if there is a CLIP; higher is better. */
  | { readonly type: 'picture'; readonly picture: Picture; readonly score?: number | undefined };

/** What the model makes of a prompt. */
export type Hints = Omit<PromptHint, 'prompt'>;

/** Why the thread ended a request. */
export interface ThreadError {
  readonly message: string;
  /** Whether the request is at fault. */
  readonly refused: boolean;
}

/** Messages to the drawing thread. */
export type ToThread =
  | { readonly type: 'draw'; readonly id: number; readonly request: DrawRequest }
  /** The reader of a request waits for its next event. */
  | { readonly type: 'next'; readonly id: number }
  | { readonly type: 'cancel'; readonly id: number };

/** Messages from the drawing thread. */
export type FromThread =
  | { readonly type: 'ready'; readonly facts: ModelFacts }
  /** The model could not be opened; the thread ends. */
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'hints'; readonly id: number; readonly hints: Hints }
  | { readonly type: 'event'; readonly id: number; readonly event: DrawingEvent; readonly load: QueueLoad }
  | {
      readonly type: 'end';
      readonly id: number;
      readonly error?: ThreadError | undefined;
      readonly load: QueueLoad;
    };
