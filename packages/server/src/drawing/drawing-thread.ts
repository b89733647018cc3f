import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { openClip } from '@easel/clip/node';
import { EaselError, type Raster, selectBackend } from '@easel/core';
import {
  type PictureEvent,
  type PictureJob,
  type PictureModel,
  PictureQueue,
  type PromptHint,
  pictureSize,
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
  const [{ prompt: _, ...hints }] = promptHints(model, [prompt]) as [PromptHint];
  return hints;
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
  private readonly scorer: PictureScorer | undefined;

  constructor(port: MessagePort, { model, queue, scorer }: Opened) {
    this.port = port;
    this.model = model;
    this.queue = queue;
    this.scorer = scorer;
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
      if (!done) return await this.send(id, value);
      this.end(id);
    } catch (error) {
      this.end(id, errorOf(error));
    }
  }

  private async send(id: number, event: PictureEvent): Promise<void> {
    const { load } = this.queue;
    if (event.type === 'picture') {
      const [score] = (await this.scorer?.score(event.picture.prompt, [event.picture.pixels])) ?? [];
      const pixels = movable(event.picture.pixels);
      const picture = { ...event.picture, tokens: event.picture.tokens.slice(), pixels };
      const scored = { type: 'picture', picture, ...(score === undefined ? {} : { score }) } as const;
      post(this.port, { type: 'event', id, event: scored, load }, [pixels.data.buffer]);
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

/** Scores how well pictures fit a text. */
interface PictureScorer {
  score(text: string, pictures: readonly Raster[]): Promise<number[]>;
}

interface Opened {
  readonly model: PictureModel;
  readonly queue: PictureQueue;
  readonly scorer?: PictureScorer | undefined;
  readonly facts: ModelFacts;
}

async function open({ model: folder, clip, backend: asked, slots: given }: ThreadSettings): Promise<Opened> {
  const backend = await selectBackend(asked);
  const model = await openPictureModel(folder);
  const scorer = clip === undefined ? undefined : (await openClip(clip)).scorer;
  const memory = process.availableMemory();
  const slots = given ?? Math.max(1, Math.min(SLOTS, slotsWithin(model, memory)));
  const queue = new PictureQueue(model, { slots, memory });
  const { imageLength } = model.text.config;
  const { name, reason } = backend;
  const { settings, examples = [] } = model;
  const scores = scorer !== undefined;
  return {
    model,
    queue,
    scorer,
    facts: {
      ...pictureSize(model),
      imageLength,
      settings,
      scores,
      examples,
      backend: { name, reason },
      slots,
    },
  };
}

const port = parentPort;
if (port !== null) {
  try {
    const opened = await open(workerData as ThreadSettings);
    const jobs = new Jobs(port, opened);
    port.on('message', (message: ToThread) => jobs.take(message));
    post(port, { type: 'ready', facts: opened.facts });
  } catch (error) {
    if (!(error instanceof EaselError) && (error as { name?: string }).name !== 'SafetensorsError')
      throw error;
    post(port, { type: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
}
