import { readPngText } from '@easel/draw';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import OpenAI, { APIError } from 'openai';
import sharp from 'sharp';
import { postJson, TestServers, whenBuilt } from '../testing/running-server.js';
import type { EaselServer } from './start-server.js';

whenBuilt("OpenAI's images API, by its own client (skipped before npm run build)", () => {
  const servers = new TestServers();
  let server: EaselServer;
  let client: OpenAI;
  beforeAll(async () => {
    await servers.open();
    server = await servers.start();
    client = new OpenAI({ baseURL: new URL('/v1', server.url).href, apiKey: 'any', maxRetries: 0 });
  });
  afterAll(() => servers.close());

  const draw = (more: object) =>
    client.images.generate({ prompt: 'a red heart', ...more } as OpenAI.ImageGenerateParamsNonStreaming);
  const failure = async (more: object): Promise<APIError> => {
    const error = await draw(more).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(APIError);
    return error as APIError;
  };

  test('models', async () => {
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id)).toEqual(['tiny']);
    expect(await client.models.retrieve('tiny')).toMatchObject({ id: 'tiny', object: 'model' });
    await expect(client.models.retrieve('other')).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
      message: expect.stringContaining('draws with "tiny"'),
    });
  });

  test('n pictures as base64, each a PNG with what made it; one seed gives one answer', async () => {
    const { data = [], created, size } = await draw({ n: 3, seed: 7, top_k: 5 } as object);
    expect(data).toHaveLength(3);
    expect([created > 1e9, size]).toEqual([true, '8x8']);
    const pngs = data.map(({ b64_json = '' }) => Buffer.from(b64_json, 'base64'));
    expect(await sharp(pngs[0]).metadata()).toMatchObject({ format: 'png', width: 8, height: 8 });
    const records = pngs.map((png) => JSON.parse(readPngText(png).get('Easel') ?? ''));
    expect(records[2]).toMatchObject({ prompt: 'a red heart', seed: 7, index: 2, model: 'tiny', top_k: 5 });
    const again = await draw({ n: 3, seed: 7, top_k: 5, response_format: 'b64_json', user: 'x' } as object);
    expect(again.data?.map(({ b64_json }) => b64_json)).toEqual(data.map(({ b64_json }) => b64_json));
  });

  test('an address in place of the bytes', async () => {
    const { data: [inBase64] = [] } = await draw({ seed: 7 } as object);
    const { data: [atUrl] = [] } = await draw({ seed: 7, response_format: 'url' } as object);
    const response = await fetch(atUrl?.url as string);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect(Buffer.from(await response.arrayBuffer()).toString('base64')).toBe(inBase64?.b64_json);
    for (const path of ['/pictures/0.png', '/pictures/..%2f..%2fpackage.json', '/pictures/'])
      expect((await fetch(new URL(path, server.url))).status).toBe(404);
  });

  test('streamed: partial images, then the same picture', async () => {
    const stream = await client.images.generate({
      ...{ prompt: 'a red heart', stream: true, partial_images: 2 },
      ...({ seed: 7 } as object),
    } as OpenAI.ImageGenerateParamsStreaming);
    const events = [];
    for await (const event of stream) events.push(event);
    const last = events.pop();
    expect(last).toMatchObject({ type: 'image_generation.completed', size: '8x8', output_format: 'png' });
    expect(last?.b64_json).toBe((await draw({ seed: 7 } as object)).data?.[0]?.b64_json);
    expect(events.length).toBeLessThanOrEqual(2);
    for (const [i, event] of events.entries())
      expect(event).toMatchObject({ type: 'image_generation.partial_image', partial_image_index: i });
  });

  test.each([
    [{ prompt: ' ' }, 'prompt', 'is empty'],
    [{ prompt: 'a'.repeat(1001) }, 'prompt', 'at most 1000 characters, got 1001'],
    [{ prompt: 'a\u0007' }, 'prompt', 'U+0007'],
    [{ n: 0 }, 'n', 'from 1 to 10, got 0'],
    [{ n: 1000 }, 'n', 'got 1000'],
    [{ size: '1024x1024' }, 'size', '"8x8"'],
    [{ seed: 1.5 }, 'seed', 'a whole number'],
    [{ topk: 5 }, 'topk', 'Did you mean "top_k"?'],
    [{ output_format: 'gif' }, 'output_format', '"png"'],
    [{ stream: true, response_format: 'url' }, 'response_format', 'b64_json'],
  ])('%j is refused', async (more, param, says) => {
    const error = await failure(more);
    expect([error.status, error.param, error.type]).toEqual([400, param, 'invalid_request_error']);
    expect(error.message).toContain(says);
  });

  test('another model is not here', async () => {
    expect(await failure({ model: 'dall-e-2' })).toMatchObject({ status: 404, code: 'model_not_found' });
  });

  test('an unusual prompt is drawn: emoji, other scripts, lines', async () => {
    for (const prompt of ['🦊🦊', '红心', 'a\nb', '<script>'])
      expect((await draw({ prompt })).data).toHaveLength(1);
  });

  test.each([
    [{ body: '{' }, 400, 'not JSON'],
    [{ body: '[]' }, 400, 'got a list'],
    [{ body: 'null' }, 400, 'got null'],
    [{ body: `"${'x'.repeat(70_000)}"` }, 413, 'at most 65536 bytes'],
    [{ headers: {} }, 415, 'application/json'],
    [{ method: 'PUT' }, 405, 'Use POST'],
  ])('%#: a request that is none', async (init, status, says) => {
    const response = await postJson(server, '/v1/images/generations', { prompt: 'a' }, init);
    const { error } = (await response.json()) as { error: { message: string } };
    expect([response.status, error.message]).toEqual([status, expect.stringContaining(says)]);
  });
});
