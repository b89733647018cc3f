import type { PicturePreview } from '@easel/draw';
import type { DrawerFacts, DrawingRequest, Hints } from '../drawing/drawer.js';

/** What the worker needs to open a model. */
export interface OpenMessage {
  readonly type: 'open';
  /** Address of the model's folder. */
  readonly model: string;
  /** The model's name. */
  readonly name: string;
  /** Name of the backend. */
  readonly backend: string;
  /** Address of the folder with tfjs's WebAssembly. */
  readonly wasmPaths: string;
}

/** Messages to the drawing worker. */
export type ToWorker =
  | OpenMessage
  | { readonly type: 'draw'; readonly id: number; readonly request: DrawingRequest }
  | { readonly type: 'cancel'; readonly id: number };

/** Messages from the drawing worker. */
export type FromWorker =
  /** Bytes of the model that are there, of all. */
  | { readonly type: 'loaded'; readonly done: number; readonly total: number }
  | { readonly type: 'opened'; readonly facts: Omit<DrawerFacts, 'images' | 'promptLength'> }
  /** The model could not be opened. */
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'event'; readonly id: number; readonly event: WorkerEvent }
  | { readonly type: 'end'; readonly id: number; readonly error?: string | undefined };

/** What the worker says of a drawing. */
export type WorkerEvent =
  | { readonly type: 'accepted'; readonly hints: Hints | undefined }
  | { readonly type: 'tokens'; readonly done: number; readonly total: number }
  /** pixels: bytes [height, width, 3]. */
  | { readonly type: 'preview'; readonly preview: Pick<PicturePreview, 'index' | 'share' | 'pixels'> }
  | {
      readonly type: 'picture';
      readonly index: number;
      readonly png: Uint8Array<ArrayBuffer>;
      /** The codes of the picture. */
      readonly tokens: Int32Array;
    };
