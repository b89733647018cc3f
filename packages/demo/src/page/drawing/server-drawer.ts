import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { Drawer, DrawerFacts, DrawingEvent, DrawingRequest, Hints } from './drawer.js';

/** The server asks for a key, or for another one. */
export class KeyNeeded extends Error {
  override readonly name = 'KeyNeeded';
}

/** What the server says of its model. */
interface ModelAnswer {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly settings: Readonly<Record<'top_k' | 'top_p' | 'temperature' | 'condition_scale', number>>;
  readonly examples: readonly string[];
  readonly limits: { readonly images: number; readonly prompt_length: number };
  readonly backend: { readonly name: string; readonly reason: string };
}

/** Opens the drawer of the page's own server. Throws KeyNeeded, or Error with a sentence. */
export async function openServerDrawer(key: string | undefined): Promise<Drawer> {
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const response = await answerTo('api/model', { headers });
  const { name, settings, limits, ...others } = (await response.json()) as ModelAnswer;
  const facts: DrawerFacts = {
    ...others,
    model: name,
    settings: {
      topK: settings.top_k,
      topP: settings.top_p,
      temperature: settings.temperature,
      conditionScale: settings.condition_scale,
    },
    images: limits.images,
    promptLength: limits.prompt_length,
  };
  return {
    facts,
    isLocal: false,
    draw: (request, signal) => draw(request, headers, signal),
    close: () => undefined,
  };
}

async function* draw(
  { prompt, images, seed, settings }: DrawingRequest,
  headers: Record<string, string>,
  signal: AbortSignal,
): AsyncGenerator<DrawingEvent> {
  const { topK, topP, temperature, conditionScale } = settings;
  const response = await answerTo('api/draw', {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ prompt, n: images, seed, temperature },
      ...{ top_k: topK, top_p: topP, condition_scale: conditionScale },
    }),
    signal,
  });
  const events = (response.body as ReadableStream<Uint8Array<ArrayBuffer>>)
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
    .getReader();
  // Whoever stops reading closes the connection, which ends the request.
  try {
    for (let next = await events.read(); next.value !== undefined; next = await events.read()) {
      const { event = '', data } = next.value;
      if (event === 'done') return;
      yield* eventOf(event, JSON.parse(data) as EventData);
    }
  } finally {
    void events.cancel().catch(() => undefined);
  }
  throw new Error('The server has ended the connection in the middle of the drawing. Draw again.');
}

interface EventData {
  readonly hints?: Hints;
  readonly place: number;
  readonly seconds: number | null;
  readonly done: number;
  readonly total: number;
  readonly index: number;
  readonly share: number;
  readonly png: string;
  readonly score?: number;
  readonly error: { readonly message: string };
}

async function* eventOf(event: string, data: EventData): AsyncGenerator<DrawingEvent> {
  const { place, seconds, done, total, index, share, png, score } = data;
  if (event === 'accepted') yield { type: 'accepted', hints: data.hints };
  if (event === 'queued') yield { type: 'queued', place, seconds };
  if (event === 'tokens') yield { type: 'tokens', done, total };
  if (event === 'preview') yield { type: 'preview', index, share, picture: fileOf(png) };
  if (event === 'picture')
    yield { type: 'picture', index, picture: fileOf(png), ...(score === undefined ? {} : { score }) };
  if (event === 'cancelled') throw new Error('The server has cancelled the drawing.');
  if (event === 'error') throw new Error(data.error.message);
}

function fileOf(base64: string): Blob {
  return new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], { type: 'image/png' });
}

/** The answer to a request. Throws Error with the server's sentence for a refusal. */
async function answerTo(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(path, init).catch((error: unknown) => {
    if (init.signal?.aborted) throw error;
    throw new Error('The server does not answer. Is it running?', { cause: error });
  });
  if (response.ok) return response;
  const body = (await response.json().catch(() => undefined)) as { error?: { message?: string } } | undefined;
  const message = body?.error?.message ?? `The server answers ${response.status} ${response.statusText}.`;
  if (response.status === 401) throw new KeyNeeded(message);
  const wait = response.headers.get('retry-after');
  throw new Error(wait === null ? message : `${message} It asks you to wait ${wait} s.`);
}
