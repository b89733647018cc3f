import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, DataError, EaselError, selectBackend } from '@easel/core';
import { eventLoopTurn } from '@easel/core/internals';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { writeTinyModel } from '../testing/tiny-model.js';
import { FAST_BACKEND, watchedParts } from '../testing/watched-model.js';
import { drawingBytes, slotsWithin } from './drawing-memory.js';
import { openPictureModel } from './node.js';
import type { PictureJob } from './picture-job.js';
import type { PictureModel } from './picture-model.js';
import { PictureQueue, type PictureQueueOptions } from './picture-queue.js';
import type { Picture, PictureEvent, PictureRequest } from './picture-request.js';

jest.setTimeout(300_000); // a busy machine

/** Codes of a picture of the tiny model, and of a line. */
const CODES = 16;
const LINE = 4;

let root: string;
let model: PictureModel;
let before: number;
beforeAll(async () => {
  await selectBackend(FAST_BACKEND);
  root = mkdtempSync(join(tmpdir(), 'easel-queue-'));
  await writeTinyModel(join(root, 'model'));
  model = await openPictureModel(join(root, 'model'));
});
afterAll(() => {
  model.dispose();
  rmSync(root, { recursive: true });
});
beforeEach(() => {
  before = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(before);
});

/** Whole numbers below n, the same for the same seed. */
function numbers(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/** A reader of a job: what came, and the error that ended it. */
class Reader {
  readonly events: PictureEvent[] = [];
  error: unknown;
  readonly end: Promise<void>;
  readonly job: PictureJob;

  constructor(job: PictureJob, onEvent?: (event: PictureEvent) => void) {
    this.job = job;
    this.end = (async () => {
      try {
        for await (const event of job) {
          this.events.push(event);
          onEvent?.(event);
        }
      } catch (error) {
        this.error = error;
      }
    })();
  }

  get pictures(): Picture[] {
    return this.events.flatMap((event) => (event.type === 'picture' ? [event.picture] : []));
  }
}

/** The pictures of a request that is drawn by itself, one picture at a time. */
async function alone(request: PictureRequest): Promise<Picture[]> {
  const { signal: _, ...rest } = request;
  const beams = request.search?.way === 'beams' ? request.search.beams : 0;
  const queue = new PictureQueue(model, { slots: 1, beams });
  const reader = new Reader(queue.submit(rest));
  await reader.end;
  await queue.close();
  expect(reader.error).toBeUndefined();
  return reader.pictures;
}

const PROMPTS = ['a dog', 'a red heart', 'a blue heart', ''];

/** A request of settings by chance. */
function requestOf(seed: number): PictureRequest {
  const next = numbers(seed + 1);
  const more: Partial<PictureRequest>[] = [
    { settings: { conditionScale: 3, temperature: 2 } },
    { settings: { topK: 0, temperature: 3, conditionScale: 1 }, allIds: true },
    { settings: { topP: 0.8, conditionScale: 10 }, preview: true },
    { search: { way: 'min-dalle' }, settings: { temperature: 4 }, preview: true },
    { search: { way: 'greedy' } },
    { search: { way: 'beams', beams: 3 } },
  ];
  const chosen = more[next(more.length)];
  const isSure = chosen?.search?.way === 'greedy' || chosen?.search?.way === 'beams';
  return {
    prompts: Array.from({ length: 1 + next(2) }, () => PROMPTS[next(4)] as string),
    images: isSure ? 1 : 1 + next(3),
    seed: next(1000),
    ...chosen,
  };
}

/** Draws with a queue, and closes it. */
async function withQueue(
  parts: ConstructorParameters<typeof PictureQueue>[0],
  options: PictureQueueOptions,
  work: (queue: PictureQueue) => Promise<void>,
): Promise<void> {
  const queue = new PictureQueue(parts, options);
  try {
    await work(queue);
  } finally {
    await queue.close();
  }
}

test.each([1, 4, 7])(
  'requests that come and are cancelled at any step get the pictures that they get alone: %i slots',
  async (slots) => {
    const next = numbers(slots);
    const requests = Array.from({ length: 24 }, (_, i) => requestOf(100 * slots + i));
    const waiting = [...requests];
    const readers = new Map<PictureRequest, Reader>();
    const cancelled = new Set<Reader>();
    let most = 0;
    let joined = 0; // requests that came while others were drawn
    const come = (): void => {
      const request = waiting.shift();
      if (request === undefined) return;
      if (queue.load.drawing > 0) joined++;
      readers.set(request, new Reader(queue.submit(request)));
    };
    const chance = (): void => {
      most = Math.max(most, queue.load.drawing);
      if (next(4) === 0) come();
      if (next(20) > 0) return;
      const running = [...readers.values()].filter(({ job }) => !cancelled.has(readerOf(job)));
      const one = running[next(running.length)];
      if (one === undefined) return;
      cancelled.add(one);
      one.job.cancel(new Error('no more'));
    };
    const readerOf = (job: PictureJob) =>
      [...readers.values()].find((reader) => reader.job === job) as Reader;
    const parts = watchedParts(model, { onStep: chance, onDecode: chance, onEncode: chance });
    const queue = new PictureQueue(parts, { slots, beams: 3, previewShare: Number.POSITIVE_INFINITY });
    come();
    while (waiting.length > 0 || queue.load.requests > 0) {
      if (queue.load.requests === 0) come();
      await eventLoopTurn();
    }
    await queue.close();
    let compared = 0;
    let stopped = 0;
    for (const [request, reader] of readers) {
      await reader.end;
      const own = await alone(request);
      // A request that was cancelled behind its last picture has all of them.
      if (reader.error !== undefined) {
        expect(cancelled).toContain(reader);
        expect(reader.error).toEqual(new Error('no more'));
        stopped++;
      } else expect(reader.pictures).toHaveLength(own.length);
      expect(reader.pictures).toEqual(own.slice(0, reader.pictures.length));
      compared += reader.pictures.length;
    }
    expect(readers.size).toBe(24);
    expect(most).toBe(slots);
    expect(joined).toBeGreaterThan(5);
    expect(stopped).toBeGreaterThan(1);
    expect(compared).toBeGreaterThan(24);
  },
);

test('slots go round: a request of thirty pictures leaves one to those of one picture', async () => {
  await withQueue(model, { slots: 3 }, async (queue) => {
    const ended: string[] = [];
    const large = new Reader(queue.submit({ prompts: ['a dog'], images: 30 }), ({ type }) => {
      if (type === 'picture') ended.push('large');
    });
    while (queue.load.drawing < 3) await eventLoopTurn();
    const small = PROMPTS.slice(0, 3).map(
      (prompt, seed) => new Reader(queue.submit({ prompts: [prompt], seed })),
    );
    for (const reader of small) void reader.end.then(() => ended.push('small'));
    await Promise.all(small.map(({ end }) => end));
    // All slots were taken when they came, and each got one when a picture left.
    expect(ended.slice(0, 3)).toEqual(['large', 'large', 'large']);
    expect(ended.filter((size) => size === 'large')).toHaveLength(3);
    const places = small.map(({ events }) =>
      events.flatMap((event) => (event.type === 'queued' ? event.place : [])),
    );
    expect(places).toEqual([[1], [2], [3]]);
    large.job.cancel();
    await large.end;
    expect(large.error).toMatchObject({ name: 'AbortError' });
  });
});

test('a large request goes on although small ones never cease to come', async () => {
  await withQueue(model, { slots: 2 }, async (queue) => {
    let large = 0;
    let small = 0;
    const reader = new Reader(queue.submit({ prompts: ['a dog'], images: 4 }), ({ type }) => {
      if (type === 'picture') large++;
    });
    const keepComing = async (seed: number): Promise<void> => {
      while (large < 4) {
        await new Reader(queue.submit({ prompts: ['a red heart'], seed: seed + small++ })).end;
      }
    };
    await Promise.all([reader.end, keepComing(0), keepComing(1000), keepComing(2000)]);
    expect(large).toBe(4);
    expect(small).toBeLessThan(16);
  });
});

test('a signal at any step frees the slot at once, and nothing is left', async () => {
  for (let step = 1; step <= CODES; step++) {
    const stop = new AbortController();
    const reason = new Error(`at step ${step}`);
    let steps = 0;
    const onStep = () => {
      if (++steps === step) stop.abort(reason);
    };
    await withQueue(watchedParts(model, { onStep }), { slots: 2 }, async (queue) => {
      const one = new Reader(queue.submit({ prompts: ['a dog'], signal: stop.signal, preview: true }));
      const other = new Reader(queue.submit({ prompts: ['a red heart'] }));
      const third = new Reader(queue.submit({ prompts: ['a blue heart'] }));
      await one.end;
      expect(one.error).toBe(reason);
      expect(one.pictures).toEqual([]);
      await Promise.all([other.end, third.end]);
      expect([...other.pictures, ...third.pictures]).toHaveLength(2);
      expect(steps).toBeLessThanOrEqual(CODES + step + 1); // the third took the slot at the next step
    });
    expect(tf.memory().numTensors).toBe(before);
  }
});

test('to leave the iteration cancels the request', async () => {
  await withQueue(model, { slots: 2 }, async (queue) => {
    for await (const { type } of queue.submit({ prompts: ['a dog'], images: 9 })) {
      if (type === 'picture') break;
    }
    expect(queue.load).toEqual({ waiting: 0, requests: 0, drawing: 0 });
  });
});

describe('a request fails alone', () => {
  const good: PictureRequest = { prompts: ['a dog'], images: 2, seed: 3 };

  test.each<[string, object, new (message: string) => Error, string]>([
    ['prompts that are no list', { prompts: 'a dog' }, DataError, 'expected prompts to be a list of strings'],
    [
      'a prompt that is no text',
      { prompts: ['a', 7] },
      DataError,
      'expected prompts to be a list of strings',
    ],
    ['no pictures', { images: 0 }, ConfigError, 'expected images to be a whole number from 1, got 0'],
    ['a setting out of range', { settings: { topK: -1 } }, ConfigError, 'got -1'],
    [
      'more beams than the queue has',
      { search: { way: 'beams', beams: 9 } },
      ConfigError,
      'expected a search of at most 2 beams, got 9',
    ],
    [
      'beams that the search refuses',
      { search: { way: 'beams', beams: 1 } },
      ConfigError,
      'expected beams to be a whole number of at least 2, got 1',
    ],
  ])('%s', async (_, wrong, kind, message) => {
    await withQueue(model, { slots: 2, beams: 2 }, async (queue) => {
      const right = new Reader(queue.submit(good));
      const bad = new Reader(queue.submit({ ...good, ...wrong } as PictureRequest));
      await Promise.all([right.end, bad.end]);
      expect(bad.error).toBeInstanceOf(kind);
      expect((bad.error as Error).message).toContain(message);
      expect(right.pictures).toEqual(await alone(good));
    });
  });

  test('a signal that was set off before', async () => {
    await withQueue(model, { slots: 2 }, async (queue) => {
      const reader = new Reader(queue.submit({ ...good, signal: AbortSignal.abort('before') }));
      await reader.end;
      expect(reader.error).toBe('before');
    });
  });

  test('no prompts: it ends with no pictures', async () => {
    await withQueue(model, { slots: 2 }, async (queue) => {
      const reader = new Reader(queue.submit({ prompts: [] }));
      await reader.end;
      expect([reader.error, reader.events]).toEqual([undefined, []]);
    });
  });

  const noMemory = () => new RangeError('Array buffer allocation failed');

  test('memory for two pictures a step in place of four: all come, in steps of two', async () => {
    const steps: number[] = [];
    const onStep = (rows: number) => {
      if (rows > 4) throw noMemory();
      steps.push(rows);
    };
    await withQueue(watchedParts(model, { onStep }), { slots: 4 }, async (queue) => {
      const requests = [4, 5, 6].map((seed) => ({ ...good, seed, settings: { conditionScale: 3 } }));
      const readers = requests.map((request) => new Reader(queue.submit(request)));
      for (const [i, reader] of readers.entries()) {
        await reader.end;
        expect(reader.error).toBeUndefined();
        expect(reader.pictures).toEqual(await alone(requests[i] as PictureRequest));
      }
      expect(Math.max(...steps)).toBe(4);
    });
  });

  test('no memory for any step: each request gets the error', async () => {
    const onStep = () => {
      throw noMemory();
    };
    await withQueue(watchedParts(model, { onStep }), { slots: 3 }, async (queue) => {
      const readers = [1, 2, 3].map((seed) => new Reader(queue.submit({ ...good, seed })));
      for (const reader of readers) {
        await reader.end;
        expect(reader.error).toEqual(noMemory());
      }
    });
  });

  test('no memory for a text: while others are drawn it waits, and alone it fails', async () => {
    const longer = model.text.processor.process(['a blue heart']).inputIds;
    const refused = longer.findIndex((id, i) => id !== model.text.processor.process(['a dog']).inputIds[i]);
    let failures = 0;
    const onEncode = (ids: Int32Array) => {
      if (ids[refused] !== longer[refused]) return;
      failures++;
      throw noMemory();
    };
    await withQueue(watchedParts(model, { onEncode }), { slots: 3 }, async (queue) => {
      const right = new Reader(queue.submit(good));
      const bad = new Reader(queue.submit({ prompts: ['a blue heart'] }));
      await Promise.all([right.end, bad.end]);
      expect(bad.error).toEqual(noMemory());
      expect(failures).toBeGreaterThan(1);
      expect(right.pictures).toEqual(await alone(good));
    });
  });

  test('no memory to decode two pictures together: they are decoded one by one', async () => {
    const decoded: number[] = [];
    const onDecode = (pictures: number) => {
      if (pictures > 1) throw noMemory();
      decoded.push(pictures);
    };
    await withQueue(watchedParts(model, { onDecode }), { slots: 2 }, async (queue) => {
      const reader = new Reader(queue.submit(good));
      await reader.end;
      expect(reader.pictures).toEqual(await alone(good));
      expect(decoded).toEqual([1, 1]);
    });
  });

  test('no memory for one picture of a batch: its request fails', async () => {
    let left = 1;
    const onDecode = (pictures: number) => {
      if (pictures > 1 || left-- > 0) throw noMemory();
    };
    await withQueue(watchedParts(model, { onDecode }), { slots: 2 }, async (queue) => {
      const readers = [1, 2].map((seed) => new Reader(queue.submit({ prompts: ['a dog'], seed })));
      await Promise.all(readers.map(({ end }) => end));
      expect(readers.map(({ error }) => error)).toEqual([noMemory(), undefined]);
      expect(readers[1]?.pictures).toEqual(await alone({ prompts: ['a dog'], seed: 2 }));
    });
  });
});

describe('memory', () => {
  test('slots that do not fit are refused with the number that does', () => {
    const bytes = drawingBytes(model, { slots: 5 }) + 1;
    expect(slotsWithin(model, bytes)).toBe(5);
    expect(() => new PictureQueue(model, { slots: 6, memory: bytes })).toThrow(
      /^PictureQueue: slots: 6 pictures at a time need [\d.e-]+ GB beside the model's weights, and there are [\d.e-]+ GB\. Take at most 5\.$/,
    );
    expect(() => new PictureQueue(model, { slots: 1, memory: 10 })).toThrow(
      'Not even one fits: free some memory.',
    );
    expect(() => new PictureQueue(model, { slots: 1, beams: 2, memory: 10 })).toThrow(
      'Not even one fits beside 2 beams',
    );
  });

  test.each<[PictureQueueOptions, string]>([
    [{ slots: 0 }, 'expected slots to be a whole number from 1, got 0'],
    [{ slots: 1.5 }, 'expected slots to be a whole number from 1, got 1.5'],
    [{ beams: -1 }, 'expected beams to be a whole number from 0, got -1'],
    [{ previewShare: Number.NaN }, 'expected previewShare to be at least 0, got NaN'],
  ])('%j is refused', (options, message) => {
    expect(() => new PictureQueue(model, options)).toThrow(message);
  });

  test('what is predicted is what is taken, within a half', async () => {
    const bytesBefore = tf.memory().numBytes;
    let most = 0;
    const look = () => {
      most = Math.max(most, tf.memory().numBytes - bytesBefore);
    };
    await withQueue(watchedParts(model, { onStep: look, onDecode: look }), { slots: 16 }, async (queue) => {
      // Each picture has a text of its own.
      const prompts = Array.from({ length: 32 }, (_, i) => `a dog ${i}`);
      await new Reader(queue.submit({ prompts, settings: { conditionScale: 2 } })).end;
    });
    const predicted = drawingBytes(model, { slots: 16 }) - drawingBytes(model, { slots: 0 });
    expect(most).toBeGreaterThan(predicted * 0.5);
    expect(most).toBeLessThan(predicted);
  });

  test('a reader that does not read: at most twice as many pictures as slots are drawn', async () => {
    let steps = 0;
    const onStep = (rows: number) => {
      steps += rows;
    };
    await withQueue(watchedParts(model, { onStep }), { slots: 2 }, async (queue) => {
      const settings = { conditionScale: 1 };
      const job = queue.submit({ prompts: ['a dog'], images: 9, settings });
      while (steps < 4 * CODES) await eventLoopTurn();
      for (let turn = 0; turn < 20; turn++) await eventLoopTurn();
      expect([steps, queue.load.drawing]).toEqual([4 * CODES, 0]);
      const reader = new Reader(job);
      await reader.end;
      expect(reader.pictures).toEqual(await alone({ prompts: ['a dog'], images: 9, settings }));
    });
  });
});

test('the VQGAN decodes one batch between two steps, so that pictures are drawn on', async () => {
  const calls: string[] = [];
  const hooks = {
    onStep: () => calls.push('step'),
    onDecode: (pictures: number) => calls.push(`decode ${pictures}`),
  };
  await withQueue(watchedParts(model, hooks as never, 1), { slots: 4 }, async (queue) => {
    const settings = { conditionScale: 1 };
    await new Reader(queue.submit({ prompts: ['a dog'], images: 8, settings })).end;
  });
  const decoded = calls.flatMap((call, i) => (call === 'step' ? [] : [i]));
  expect(decoded.map((i) => calls[i])).toEqual(Array(8).fill('decode 1'));
  // The first four while the others are drawn, and the last four when none is drawn any more.
  for (const i of decoded.slice(0, 4)) expect([calls[i - 1], calls[i + 1]]).toEqual(['step', 'step']);
  expect(calls.slice(-4)).toEqual(Array(4).fill('decode 1'));
});

describe('previews', () => {
  const request: PictureRequest = { prompts: ['a dog'], images: 2, preview: true };

  test('a preview at each line: what is drawn, and grey below; the picture is the same', async () => {
    await withQueue(model, { slots: 1, previewShare: Number.POSITIVE_INFINITY }, async (queue) => {
      const reader = new Reader(queue.submit(request));
      await reader.end;
      expect(reader.pictures).toEqual(await alone(request));
      const previews = reader.events.flatMap((event) => (event.type === 'preview' ? [event.preview] : []));
      expect(previews.map(({ index, share }) => [index, share])).toEqual(
        [0, 1].flatMap((index) => [1, 2, 3].map((lines) => [index, lines / LINE])),
      );
      for (const { share, pixels } of previews) {
        expect([pixels.width, pixels.height]).toEqual([8, 8]);
        const first = pixels.data.subarray(0, share * pixels.data.length);
        expect(new Set(first).size).toBeGreaterThan(8);
        expect(new Set(pixels.data.subarray(share * pixels.data.length))).toEqual(new Set([128]));
      }
    });
  });

  test('no more than their share of the time: by a clock on which a preview takes as long as 20 steps', async () => {
    let time = 0;
    let decoded = 0;
    const hooks = {
      onStep: () => {
        time += 1;
      },
      onDecode: (_: number, lines: number) => {
        if (lines < LINE) decoded += lines;
        time += 20;
      },
    };
    const options = { slots: 1, previewShare: 0.25, now: () => time };
    await withQueue(watchedParts(model, hooks), options, async (queue) => {
      const reader = new Reader(queue.submit({ ...request, images: 20 }));
      await reader.end;
      const previews = reader.events.filter(({ type }) => type === 'preview');
      // 20 · 16 steps earn the time of 4 previews.
      expect(previews.length).toBeGreaterThan(1);
      expect(previews.length).toBeLessThan(6);
      expect(decoded).toBeGreaterThan(1);
    });
  });

  test('one that fails for lack of memory fails its request alone', async () => {
    const onDecode = (_: number, lines: number) => {
      if (lines < LINE) throw new RangeError('Array buffer allocation failed');
    };
    await withQueue(watchedParts(model, { onDecode }), { slots: 2 }, async (queue) => {
      const [shown, other] = [
        new Reader(queue.submit(request)),
        new Reader(queue.submit({ prompts: ['a dog'] })),
      ];
      await Promise.all([shown.end, other.end]);
      expect(shown.error).toEqual(new RangeError('Array buffer allocation failed'));
      expect(other.pictures).toEqual(await alone({ prompts: ['a dog'] }));
    });
  });
});

test('drain waits for what was taken, close ends it; neither takes more', async () => {
  const queue = new PictureQueue(model, { slots: 2 });
  const reader = new Reader(queue.submit({ prompts: ['a dog'], images: 3 }));
  const drained = queue.drain();
  expect(() => queue.submit({ prompts: ['a dog'] })).toThrow('it is being drained');
  await drained;
  await reader.end;
  expect(reader.pictures).toHaveLength(3);
  await queue.drain();
  await queue.close();

  const other = new PictureQueue(model, { slots: 2 });
  const left = new Reader(other.submit({ prompts: ['a dog'], images: 3 }));
  while (other.load.drawing === 0) await eventLoopTurn();
  await Promise.all([other.close(), other.close()]);
  await left.end;
  expect(left.error).toBeInstanceOf(EaselError);
  expect((left.error as Error).message).toContain('it was closed before the request had ended');
  expect(() => other.submit({ prompts: ['a dog'] })).toThrow('it has been closed');
});
