import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { EaselError, type Raster, selectBackend } from '@easel/core';
import {
  type PictureEvent,
  type PictureJob,
  type PictureModel,
  PictureQueue,
  promptHints,
} from '@easel/draw';
import { slotsWithin } from '@easel/draw/internals';
import { openPictureModel } from '@easel/draw/node';
import type {
  DrawRequest,
  FromThread,
  Hints,
  ModelFacts,
  ThreadError,
  ThreadSettings,
  ToThread,
} from './messages.js';

// The thread that draws. Events go out one by one, when their reader asks for the next: so a slow
// reader is slow for the queue too, which then keeps the newest counts and few pictures.

/** Pictures drawn at a time where nothing is said and the memory suffices. */
const SLOTS = 16;

function hintsOf(model: PictureModel, prompt: string): Hints {
  const [hint] = promptHints(model, [prompt]);
  const { tokenizer, config } = model.text;
  const read = model.emoji?.apply(prompt) ?? prompt;
  return {
    unknown: hint?.unknown ?? [],
    empty: hint?.empty ?? false,
    cut: tokenizer.encode(read).length > config.maxTextLength,
  };
}

/** A picture in memory of its own, which can move to the other thread. */
function movable(pixels: Raster): Raster<Uint8Array<ArrayBuffer>> {
  return { ...pixels, data: pixels.data.slice() };
}

function post(port: MessagePort, message: FromThread, moved: ArrayBuffer[] = []): void {
  port.postMessage(message, moved);
}

function errorOf(error: unknown): ThreadError {
  const message = error instanceof Error ? error.message : String(error);
  return { message, refused: error instanceof EaselError };
}

/** The requests of this thread, by their numbers. */
class Jobs {
  private readonly jobs = new Map<number, PictureJob>();
  private readonly port: MessagePort;
  private readonly model: PictureModel;
  private readonly queue: PictureQueue;

  constructor(port: MessagePort, model: PictureModel, queue: PictureQueue) {
    this.port = port;
    this.model = model;
    this.queue = queue;
  }

  take(message: ToThread): void {
    switch (message.type) {
      case 'draw':
        this.draw(message.id, message.request);
        return;
      case 'next':
        void this.next(message.id);
        return;
      case 'cancel':
        this.jobs.get(message.id)?.cancel();
        this.jobs.delete(message.id);
    }
  }

  private draw(id: number, { prompt, images, seed, settings, preview }: DrawRequest): void {
    this.jobs.set(id, this.queue.submit({ prompts: [prompt], images, seed, settings, preview }));
    post(this.port, { type: 'hints', id, hints: hintsOf(this.model, prompt) });
  }

  private async next(id: number): Promise<void> {
    const job = this.jobs.get(id);
    if (job === undefined) return;
    try {
      const { done, value } = await job.next();
      if (!done) return this.send(id, value);
      this.end(id);
    } catch (error) {
      this.end(id, errorOf(error));
    }
  }

  private send(id: number, event: PictureEvent): void {
    const { load } = this.queue;
    if (event.type === 'picture') {
      const pixels = movable(event.picture.pixels);
      const picture = { ...event.picture, tokens: event.picture.tokens.slice(), pixels };
      post(this.port, { type: 'event', id, event: { type: 'picture', picture }, load }, [pixels.data.buffer]);
    } else if (event.type === 'preview') {
      const pixels = movable(event.preview.pixels);
      const preview = { ...event.preview, pixels };
      post(this.port, { type: 'event', id, event: { type: 'preview', preview }, load }, [pixels.data.buffer]);
    } else post(this.port, { type: 'event', id, event, load });
  }

  private end(id: number, error?: ThreadError): void {
    this.jobs.delete(id);
    post(this.port, { type: 'end', id, error, load: this.queue.load });
  }
}

async function open({ model: folder, backend: asked, slots: given }: ThreadSettings): Promise<{
  readonly model: PictureModel;
  readonly queue: PictureQueue;
  readonly facts: ModelFacts;
}> {
  const backend = await selectBackend(asked);
  const model = await openPictureModel(folder);
  const memory = process.availableMemory();
  const slots = given ?? Math.max(1, Math.min(SLOTS, slotsWithin(model, memory)));
  const queue = new PictureQueue(model, { slots, memory });
  const { imageLength } = model.text.config;
  const side = Math.sqrt(imageLength) * 2 ** (model.vqgan.config.chMult.length - 1);
  const { name, reason } = backend;
  const { settings } = model;
  return {
    model,
    queue,
    facts: { width: side, height: side, imageLength, settings, backend: { name, reason }, slots },
  };
}

const port = parentPort;
if (port !== null) {
  try {
    const { model, queue, facts } = await open(workerData as ThreadSettings);
    const jobs = new Jobs(port, model, queue);
    port.on('message', (message: ToThread) => jobs.take(message));
    post(port, { type: 'ready', facts });
  } catch (error) {
    if (!(error instanceof EaselError) && (error as { name?: string }).name !== 'SafetensorsError')
      throw error;
    post(port, { type: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
}
