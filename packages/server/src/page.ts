import { createHash } from 'node:crypto';
import { EaselError } from '@easel/core';
import { generationSettingsToJson } from '@easel/draw';
import type { Hono } from 'hono';
import type { Env, Services } from './context.js';

/** A file of the page. */
interface PageFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly isImmutable: boolean;
}

/** Files of the page, by name. */
export type PageFiles = ReadonlyMap<string, PageFile>;

/**
 * What the page may do: run its own scripts, show its own files and pictures in memory, and talk to
 * this server. Beside it stands the policy that the page
 * itself has for where no server sends one.
 */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * Reads the page from the package @easel/demo. Returns nothing where the package is not installed or
 * the page not built; the server then answers with a plain one.
 */
export async function loadPage(): Promise<PageFiles | undefined> {
  try {
    const { readSite } = await import('@easel/demo');
    return await readSite();
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    if (isMissing || error instanceof EaselError) return undefined;
    throw error;
  }
}

/**
 * Adds the page's files, each under its own path and nothing else, and what the page asks for: who
 * draws, and what is known of the model.
 */
export function addPage(app: Hono<Env>, files: PageFiles): void {
  for (const [name, { bytes, type, isImmutable }] of files) {
    const path = name === 'index.html' ? '/' : `/${name}`;
    const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
    app.get(path, (c) => {
      c.header('etag', etag);
      c.header('cache-control', isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache');
      if (type.startsWith('text/html')) c.header('content-security-policy', PAGE_POLICY);
      if (c.req.header('if-none-match') === etag) return c.body(null, 304);
      return c.body(bytes, 200, { 'content-type': type });
    });
  }
  app.get('/page.json', (c) => c.json({ draws: 'server' }, 200, { 'cache-control': 'no-cache' }));
}

/** Path of what is known of the model. */
export const MODEL_PATH = '/api/model';

/** Adds what is known of the model. */
export function addModelApi(app: Hono<Env>, { name, facts, limits }: Services): void {
  const { width, height, imageLength, settings, examples, backend, scores } = facts;
  app.get(MODEL_PATH, (c) =>
    c.json({
      ...{ name, width, height, image_length: imageLength, examples, backend, scores },
      settings: generationSettingsToJson(settings),
      limits: { images: limits.images, prompt_length: limits.promptLength },
    }),
  );
}
