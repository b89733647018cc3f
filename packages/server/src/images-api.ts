import type { Hono } from 'hono';
import { ApiError } from './api-error.js';
import {
  type Env,
  type HttpContext,
  previewFile,
  readJsonBody,
  type Services,
  type StartedDrawing,
  startDrawing,
} from './context.js';
import { eventStream } from './event-stream.js';
import { type ImagesBody, imagesReader } from './request-body.js';

/** Path of a picture that is kept for its address. */
export const PICTURES_PATH = '/pictures';

const seconds = () => Math.floor(Date.now() / 1000);

/** Adds OpenAI's images API and list of models. */
export function addImagesApi(app: Hono<Env>, services: Services): void {
  const { name, facts, store, limits } = services;
  const read = imagesReader(limits, facts);
  const created = seconds();
  const model = { id: name, object: 'model', created, owned_by: 'easel' };

  app.get('/v1/models', (c) => c.json({ object: 'list', data: [model] }));
  app.get('/v1/models/:id', (c) => {
    checkModel(c.req.param('id'), name);
    return c.json(model);
  });
  app.post('/v1/images/generations', async (c) => {
    const body = read(await readJsonBody(c, limits.bodyBytes));
    if (body.model !== null) checkModel(body.model, name);
    const started = await startDrawing(c, services, body, body.stream && body.partialImages > 0);
    return body.stream ? streamed(c, services, body, started) : whole(c, services, body, started);
  });
  app.get(`${PICTURES_PATH}/:file`, (c) => {
    const png = store.get(c.req.param('file').replace(/\.png$/, ''));
    if (png === undefined)
      throw new ApiError(404, 'There is no such picture, or not any more. Draw it again.');
    return c.body(png.slice(), 200, {
      'content-type': 'image/png',
      'cache-control': 'private, max-age=3600',
    });
  });
}

function checkModel(asked: string, name: string): void {
  if (asked === name) return;
  throw new ApiError(
    404,
    `The model "${asked.slice(0, 100)}" is not here. This server draws with "${name}".`,
    {
      param: 'model',
      code: 'model_not_found',
    },
  );
}

/** What both kinds of answer say of every picture. */
function facts({ facts: { width, height } }: Services) {
  return { size: `${width}x${height}`, output_format: 'png', background: 'opaque', quality: 'auto' } as const;
}

async function whole(
  c: HttpContext,
  services: Services,
  { responseFormat }: ImagesBody,
  { drawing, seed, fileOf }: StartedDrawing,
): Promise<Response> {
  const data: object[] = [];
  try {
    for await (const event of drawing) {
      if (event.type !== 'picture') continue;
      const png = await fileOf(event.picture);
      const content =
        responseFormat === 'url'
          ? { url: new URL(`${PICTURES_PATH}/${services.store.put(png)}.png`, c.req.url).href }
          : { b64_json: png.toString('base64') };
      data.push({ ...content, seed, index: event.picture.index, score: event.score });
    }
  } finally {
    drawing.close();
  }
  return c.json({ created: seconds(), data, ...facts(services), hints: drawing.hints });
}

function streamed(
  c: HttpContext,
  services: Services,
  { partialImages }: ImagesBody,
  { drawing, seed, fileOf }: StartedDrawing,
): Response {
  const sent = new Map<number, number>();
  return eventStream(
    c,
    services.limits.writeSeconds,
    async (send) => {
      const say = (type: string, b64_json: string, more: object) =>
        send(type, { type, b64_json, created_at: seconds(), ...facts(services), seed, ...more });
      for await (const event of drawing) {
        if (event.type === 'preview') {
          const { index, share, pixels } = event.preview;
          const number = sent.get(index) ?? 0;
          if (number >= partialImages || share < (number + 1) / (partialImages + 1)) continue;
          sent.set(index, number + 1);
          const partial = { index, partial_image_index: number };
          await say('image_generation.partial_image', await previewFile(pixels), partial);
        } else if (event.type === 'picture') {
          const png = await fileOf(event.picture);
          const { index } = event.picture;
          await say('image_generation.completed', png.toString('base64'), { index });
        }
      }
    },
    (error, send) => send('error', { type: 'error', ...error.body }),
    () => drawing.close(),
  );
}
