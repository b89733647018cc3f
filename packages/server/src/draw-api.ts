import { randomUUID } from 'node:crypto';
import type { Hono } from 'hono';
import { ApiError } from './api-error.js';
import { type Env, previewFile, readJsonBody, type Services, startDrawing } from './context.js';
import { eventStream } from './event-stream.js';
import { drawReader } from './request-body.js';

/** Path of Easel's own API. */
export const DRAW_PATH = '/api/draw';

/**
 * Adds Easel's own API. POST /api/draw answers with server-sent events, each with an object as data:
 *
 * - `accepted` { id, n, seed, hints }
 * - `queued` { place, seconds }: seconds until the first picture is begun, or null
 * - `tokens` { done, total }
 * - `preview` { index, share, png }: base64 of a PNG; grey below
 * - `picture` { index, seed, png, score }: base64 of the PNG file; score where there is a CLIP
 * - the last one: `done` {}, `cancelled` {} or `error` { error }, in OpenAI's form
 *
 * DELETE /api/draw/ID gives the request up, and so does a connection that closes.
 */
export function addDrawApi(app: Hono<Env>, services: Services): void {
  const read = drawReader(services.limits);
  const running = new Map<string, () => void>();

  app.post(DRAW_PATH, async (c) => {
    const body = read(await readJsonBody(c, services.limits.bodyBytes));
    const { drawing, seed, fileOf } = await startDrawing(c, services, body, body.preview);
    const id = randomUUID();
    running.set(id, () => drawing.cancel());
    return eventStream(
      c,
      services.limits.writeSeconds,
      async (send) => {
        await send('accepted', { id, n: body.n, seed, hints: drawing.hints });
        for await (const event of drawing) {
          if (event.type === 'queued') await send('queued', { place: event.place, seconds: event.seconds });
          else if (event.type === 'tokens') await send('tokens', { done: event.done, total: event.total });
          else if (event.type === 'preview') {
            const { index, share, pixels } = event.preview;
            await send('preview', { index, share, png: await previewFile(pixels) });
          } else {
            const png = await fileOf(event.picture);
            const { picture, score } = event;
            await send('picture', { index: picture.index, seed, score, png: png.toString('base64') });
          }
        }
        await send('done', {});
      },
      (error, send) =>
        error.details.code === 'cancelled' ? send('cancelled', {}) : send('error', error.body),
      () => {
        running.delete(id);
        drawing.close();
      },
    );
  });
  app.delete(`${DRAW_PATH}/:id`, (c) => {
    const cancel = running.get(c.req.param('id'));
    if (cancel === undefined) throw new ApiError(404, 'There is no such request, or it has ended.');
    cancel();
    return c.body(null, 204);
  });
}
