import { randomInt } from 'node:crypto';
import type { Raster } from '@easel/core';
import { encodePng, pictureFile } from '@easel/draw';
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import { ApiError } from './api-error.js';
import { type ContentCheck, refuseFor } from './content-check.js';
import type { ModelFacts } from './drawing/messages.js';
import type { AcceptedDrawing, DrawingDesk } from './drawing-desk.js';
import type { PictureStore } from './picture-store.js';
import { type DrawingBody, LARGEST_SEED, parseBody } from './request-body.js';
import type { ServerLimits } from './server-options.js';

/** What hono keeps of a request. */
export interface Env {
  readonly Bindings: HttpBindings;
  readonly Variables: {
    readonly client: string;
    readonly requestId: string;
    /** Takes an error that is a fault of the server. */
    readonly onFault: (error: unknown) => void;
  };
}

/** A request of hono. */
export type HttpContext = Context<Env>;

/** What the handlers work with. */
export interface Services {
  readonly name: string;
  /** What is known of the model. */
  readonly facts: ModelFacts;
  readonly desk: DrawingDesk;
  readonly store: PictureStore;
  readonly limits: ServerLimits;
  readonly check: ContentCheck;
}

/** A request that is drawn, with what its answer says. */
export interface StartedDrawing {
  readonly drawing: AcceptedDrawing;
  readonly seed: number;
  /** Checks a finished picture, and encodes it as its file. */
  fileOf(picture: { readonly index: number; readonly pixels: Raster }): Promise<Buffer>;
}

/**
 * Reads the JSON of a body. Throws ApiError 415 for another type, 413 for more than `most` bytes,
 * of which no more are read, and 400 for what is no JSON.
 */
export async function readJsonBody(c: HttpContext, most: number): Promise<unknown> {
  const type = c.req.header('content-type') ?? '';
  // A type that a page of another origin cannot send without asking first.
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    const found = type === '' ? 'none' : type.slice(0, 100);
    throw new ApiError(415, `Content-Type: expected application/json, got ${found}.`);
  }
  const chunks: Uint8Array[] = [];
  let length = Number(c.req.header('content-length') ?? 0);
  if (length <= most) {
    length = 0;
    for await (const chunk of c.env.incoming as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > most) break;
      chunks.push(chunk);
    }
  }
  if (length > most) {
    throw new ApiError(413, `Body: expected at most ${most} bytes. A prompt and some settings are enough.`);
  }
  return parseBody(Buffer.concat(chunks).toString());
}

/** Checks a prompt and begins to draw it. The drawing is given up when the client goes away. */
export async function startDrawing(
  c: HttpContext,
  { name, facts, desk, check }: Services,
  { prompt, n, seed: asked, settings }: DrawingBody,
  preview: boolean,
): Promise<StartedDrawing> {
  const client = c.get('client');
  desk.check(client);
  refuseFor(await check.checkPrompt?.(prompt));
  const seed = asked ?? randomInt(LARGEST_SEED + 1);
  const gone = new Promise<void>((resolve) => {
    const { outgoing } = c.env;
    if (outgoing.destroyed) resolve();
    outgoing.once('close', () => resolve());
  });
  const drawing = await desk.begin(client, { prompt, images: n, seed, settings, preview }, gone);
  return {
    drawing,
    seed,
    fileOf: async ({ index, pixels }) => {
      refuseFor(await check.checkPicture?.(pixels, prompt));
      const png = await pictureFile(pixels, { prompt, index, seed, model: name, settings }, facts.settings);
      return Buffer.from(png);
    },
  };
}

/** Encodes a preview as the base64 of a PNG file. */
export async function previewFile(pixels: Raster): Promise<string> {
  return Buffer.from(await encodePng(pixels)).toString('base64');
}
