// Draws in a thread of the browser: a program as any user of the packages would write it.
import { keptFiles, selectBackend } from '@easel/core';
import {
  GENERATION_FILE,
  openPictureModel,
  type PictureModel,
  PictureQueue,
  pictureFile,
  pictureSize,
  promptHints,
} from '@easel/draw';
import type { DrawingRequest } from '../drawing/drawer.js';
import type { FromWorker, OpenMessage, ToWorker } from './messages.js';

const scope = self as unknown as DedicatedWorkerGlobalScope;

/** Most pictures that are drawn at a time. */
const SLOTS = 9;

const post = (message: FromWorker, moved: Transferable[] = []) => scope.postMessage(message, moved);
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

interface Opened {
  readonly name: string;
  readonly model: PictureModel;
  readonly queue: PictureQueue;
}

let opened: Opened | undefined;
const running = new Map<number, AbortController>();

scope.onmessage = ({ data: message }: MessageEvent<ToWorker>) => {
  if (message.type === 'open') void open(message);
  else if (message.type === 'draw') void draw(message.id, message.request);
  else running.get(message.id)?.abort();
};

async function open({ model: address, name, backend: asked, wasmPaths }: OpenMessage): Promise<void> {
  try {
    // A backend beside those that core brings is imported by the program that wants it.
    if (asked === 'webgpu') await import('@tensorflow/tfjs-backend-webgpu');
    const backend = await selectBackend(asked, { wasmPaths });
    const files = await keptFiles(address, {
      onProgress: (done, total) => post({ type: 'loaded', done, total }),
      others: [GENERATION_FILE],
    });
    const model = await openPictureModel(files);
    opened = { name, model, queue: new PictureQueue(model, { slots: SLOTS }) };
    const { settings, examples = [] } = model;
    const { reason } = backend;
    post({
      type: 'opened',
      facts: {
        model: name,
        ...pictureSize(model),
        settings,
        examples,
        backend: { name: backend.name, reason },
      },
    });
  } catch (error) {
    post({ type: 'failed', message: messageOf(error) });
  }
}

async function draw(id: number, { prompt, images, seed, settings }: DrawingRequest): Promise<void> {
  const { name, model, queue } = opened as Opened;
  const controller = new AbortController();
  running.set(id, controller);
  try {
    const [hint] = promptHints(model, [prompt]);
    post({ type: 'event', id, event: { type: 'accepted', hints: hint } });
    const { signal } = controller;
    const request = { prompts: [prompt], images, seed, settings, preview: true, signal };
    for await (const event of queue.submit(request)) {
      if (event.type === 'tokens') post({ type: 'event', id, event });
      if (event.type === 'preview') {
        const { index, share, pixels } = event.preview;
        const own = { ...pixels, data: pixels.data.slice() };
        post({ type: 'event', id, event: { type: 'preview', preview: { index, share, pixels: own } } }, [
          own.data.buffer,
        ]);
      }
      if (event.type === 'picture') {
        const { index, pixels, tokens } = event.picture;
        const png = await pictureFile(pixels, { prompt, index, seed, model: name, settings }, model.settings);
        post({ type: 'event', id, event: { type: 'picture', index, png, tokens } }, [png.buffer]);
      }
    }
    post({ type: 'end', id });
  } catch (error) {
    post({ type: 'end', id, error: messageOf(error) });
  } finally {
    running.delete(id);
  }
}
