import type { FromWorker, ToWorker, WorkerEvent } from '../worker/messages.js';
import { bitmapFile } from './bitmap-file.js';
import type { Drawer, DrawerFacts, DrawingEvent, DrawingRequest } from './drawer.js';
import { EventQueue } from './event-queue.js';

/** Pictures of a request and characters of a prompt, at most: those of a server, where none are given. */
const LIMITS = { images: 9, promptLength: 1000 };

/** How a model is opened in this browser. */
export interface BrowserDrawerOptions {
  /** Address of the model's folder. */
  readonly model: string;
  /** The model's name. */
  readonly name: string;
  readonly backend: string;
  /** Called with the bytes of the model that are there, of all. */
  readonly onLoaded: (done: number, total: number) => void;
}

/** Opens a model in a worker. Throws Error with a sentence if it does not open. */
export async function openBrowserDrawer({
  model,
  name,
  backend,
  onLoaded,
}: BrowserDrawerOptions): Promise<Drawer> {
  const worker = new Worker(new URL('../worker/drawing-worker.ts', import.meta.url), { type: 'module' });
  const post = (message: ToWorker) => worker.postMessage(message);
  const drawings = new Map<number, EventQueue<WorkerEvent>>();
  let lastId = 0;
  const facts = await new Promise<DrawerFacts>((resolve, reject) => {
    const fail = (message: string) => {
      const error = new Error(message);
      for (const drawing of drawings.values()) drawing.end(error);
      reject(error);
    };
    worker.onerror = ({ message }) => fail(`The drawing thread failed: ${message || 'it did not load'}.`);
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === 'loaded') onLoaded(data.done, data.total);
      else if (data.type === 'opened') resolve({ ...data.facts, ...LIMITS });
      else if (data.type === 'failed') {
        worker.terminate();
        fail(data.message);
      } else if (data.type === 'event') drawings.get(data.id)?.add(data.event);
      else drawings.get(data.id)?.end(data.error === undefined ? undefined : new Error(data.error));
    };
    const wasmPaths = new URL('wasm/', document.baseURI).href;
    post({ type: 'open', model: new URL(model, document.baseURI).href, name, backend, wasmPaths });
  });

  async function* draw(request: DrawingRequest, signal: AbortSignal): AsyncGenerator<DrawingEvent> {
    const id = ++lastId;
    const events = new EventQueue<WorkerEvent>();
    drawings.set(id, events);
    const cancel = () => {
      post({ type: 'cancel', id });
      events.end(signal.reason);
    };
    signal.addEventListener('abort', cancel, { once: true });
    post({ type: 'draw', id, request });
    try {
      for await (const event of events) yield shown(event);
    } finally {
      signal.removeEventListener('abort', cancel);
      post({ type: 'cancel', id });
      drawings.delete(id);
    }
  }
  return { facts, isLocal: true, draw, close: () => worker.terminate() };
}

function shown(event: WorkerEvent): DrawingEvent {
  if (event.type === 'preview') {
    const { index, share, pixels } = event.preview;
    return { type: 'preview', index, share, picture: new Blob([bitmapFile(pixels)], { type: 'image/bmp' }) };
  }
  if (event.type === 'picture') {
    const { index, png } = event;
    return { type: 'picture', index, picture: new Blob([png], { type: 'image/png' }) };
  }
  return event;
}
