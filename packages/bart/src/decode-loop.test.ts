import { fillByFormula } from '@easel/conformance/kinds/bart/formula-weights';
import { prngKey } from '@easel/core';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { backends } from '../testing/backends.js';
import { TINY_SIZES } from '../testing/tiny-sizes.js';
import { parseDalleBartConfig } from './config.js';
import { DecodeLoop, type Drawing, type DrawingRequest } from './decode-loop.js';
import type { DecodeState, StepRows } from './decode-state.js';
import { generateTokens } from './generate.js';
import type { ImageTokenModel } from './image-token-model.js';
import { DalleBart } from './model.js';
import type { TextIds } from './text-inputs.js';

jest.setTimeout(300_000); // a busy machine

const SIZES = { ...TINY_SIZES, image_vocab_size: 37, image_length: 9, max_text_length: 8 };

/** Wide enough that the native backend cuts the depth of its products. */
const WIDE = {
  ...SIZES,
  image_vocab_size: 1031,
  d_model: 516,
  decoder_ffn_dim: 1100,
  decoder_layers: 1,
};

const VARIANT = {
  ...SIZES,
  use_swin_position_embeddings: true,
  use_cosine_attention: true,
  use_head_scale: true,
  use_glu: true,
  ln_positions: 'normformer',
};

const textOf = (...ids: number[]): TextIds => ({
  ids: Int32Array.from({ length: 8 }, (_, i) => ids[i] ?? 1),
  mask: Int32Array.from({ length: 8 }, (_, i) => Number(i < ids.length)),
});
const NO_TEXT = textOf(0, 2);
const TEXTS = [textOf(0, 5, 6, 7, 2), textOf(0, 9, 2), textOf(0, 11, 12, 13, 14, 15, 16, 2)];

/** Whole numbers below n, the same for the same seed. */
function numbers(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/** A request of settings by chance. */
function requestOf(seed: number): DrawingRequest {
  const next = numbers(seed + 1);
  const settings: Partial<DrawingRequest>[] = [
    { topK: 0 },
    { temperature: 3, topK: 20, minLength: 0 },
    { topP: 0.8, maxLength: 6 },
    { rule: 'min-dalle', topK: 30 },
    { greedy: true },
  ];
  return {
    text: TEXTS[next(3)] as TextIds,
    noText: NO_TEXT,
    conditionScale: [1, 3, 10][next(3)] as number,
    noise: { key: prngKey(seed) },
    ...settings[next(settings.length)],
  };
}

/**
 * A loop that tells of the logits which each of its pictures is drawn from: of its rows, at each
 * step.
 */
class WatchedLoop {
  readonly loop: DecodeLoop;
  readonly seen = new Map<Drawing, Float32Array[]>();
  encoded = 0;
  /** Thrown by the next step of the model. */
  failure: Error | undefined;
  private readonly rows = new Map<Drawing, number>();

  constructor(model: ImageTokenModel, rows: number, rowsOfPass?: number) {
    let passed = 0;
    this.loop = new DecodeLoop(
      {
        config: model.config,
        encode: (ids, mask) => {
          this.encoded++;
          return model.encode(ids, mask);
        },
        startDecoding: (room) => model.startDecoding(room),
        setTexts: (...args) => model.setTexts(...args),
        step: (state: DecodeState, step: StepRows) => {
          if (this.failure) throw this.failure;
          const logits = model.step(state, step);
          const values = logits.dataSync() as Float32Array;
          const [count, vocabulary] = logits.shape;
          // Pictures go in the order in which they came, from the first on in the first pass.
          const drawings = this.loop.drawings;
          for (let at = 0; at < count; passed++) {
            const drawing = drawings[passed % drawings.length] as Drawing;
            const next = at + (this.rows.get(drawing) as number);
            const steps = this.seen.get(drawing) ?? [];
            this.seen.set(drawing, [...steps, values.slice(at * vocabulary, next * vocabulary)]);
            at = next;
          }
          if (passed === drawings.length) passed = 0;
          return logits;
        },
      },
      { rows, ...(rowsOfPass !== undefined && { rowsOfPass }) },
    );
  }

  admit(request: DrawingRequest): Drawing {
    const drawing = this.loop.admit(request);
    this.rows.set(drawing, (request.conditionScale ?? 1) === 1 ? 1 : 2);
    return drawing;
  }
}

/** A request drawn by itself: tokens, and logits of each step. */
async function alone(model: ImageTokenModel, request: DrawingRequest) {
  const watched = new WatchedLoop(model, 2);
  const drawing = watched.admit(request);
  while (!drawing.done) await watched.loop.step();
  watched.loop.dispose();
  return { tokens: drawing.tokens, logits: watched.seen.get(drawing) as Float32Array[] };
}

const models = backends.flatMap((backend) =>
  [SIZES, VARIANT, ...(backend === 'native' ? [WIDE] : [])].map(
    (json) => [backend, `width ${json.d_model}${json === VARIANT ? ', variant' : ''}`, json] as const,
  ),
);

describe.each(models)('on %s, %s', (backend, _name, json) => {
  let model: DalleBart;
  let before = 0;
  beforeAll(async () => {
    await tf.setBackend(backend);
    model = new DalleBart(parseDalleBartConfig(json));
    fillByFormula(model);
    before = tf.memory().numTensors;
  });
  afterAll(() => {
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });

  // Requests of [7, 32] and [7, 3] are the same ones.
  const drawnAlone = new Map<number, ReturnType<typeof alone>>();

  test.each(
    // The portable backend costs ten times as much, and what a loop does is not the backend's.
    backend === 'native'
      ? [
          [7, 32],
          [7, 3],
          [16, 32],
        ]
      : [[7, 3]],
  )(
    'requests that join and leave at any step get what they get alone: %i rows, %i a pass',
    async (rows = 0, pass = 0) => {
      const next = numbers(rows + pass);
      const watched = new WatchedLoop(model, rows, pass);
      const waiting = Array.from({ length: 12 }, (_, i) => 100 * rows + i);
      const drawn: { seed: number; drawing: Drawing; left: boolean }[] = [];
      let aborted = 0;
      while (waiting.length > 0 || watched.loop.drawings.length > 0) {
        while (waiting[0] && watched.loop.fits(requestOf(waiting[0])) && next(3) > 0) {
          const seed = waiting.shift() as number;
          drawn.push({ seed, drawing: watched.admit(requestOf(seed)), left: false });
        }
        if (next(3) === 0) {
          const leaving = drawn.filter(({ drawing }) => watched.loop.drawings.includes(drawing));
          const one = leaving[next(leaving.length)];
          if (one) {
            watched.loop.release(one.drawing);
            one.left = true;
            aborted++;
          }
        }
        const active = watched.loop.drawings;
        expect(await watched.loop.step()).toEqual(active);
      }
      watched.loop.dispose();
      expect(aborted).toBeGreaterThan(0);
      for (const { seed, drawing, left } of drawn) {
        if (!drawnAlone.has(seed)) drawnAlone.set(seed, alone(model, requestOf(seed)));
        const own = (await drawnAlone.get(seed)) as Awaited<ReturnType<typeof alone>>;
        const seen = watched.seen.get(drawing) ?? [];
        if (!left) expect(drawing.tokens).toEqual(own.tokens);
        expect(drawing.tokens.subarray(0, drawing.step)).toEqual(own.tokens.subarray(0, drawing.step));
        expect(seen).toHaveLength(drawing.step);
        // Of other backends nobody has promised the last bit.
        const near = backend === 'native' ? 0 : 1e-4;
        const far = seen.map((values, step) =>
          values.reduce((most, x, i) => Math.max(most, Math.abs(x - (own.logits[step]?.[i] as number))), 0),
        );
        expect(Math.max(0, ...far)).toBeLessThanOrEqual(near);
      }
    },
  );

  test('generateTokens gives what the loop gives, whatever rows are beside', async () => {
    const inputs = {
      inputIds: Int32Array.of(...TEXTS.flatMap(({ ids }) => [...ids])),
      attentionMask: Int32Array.of(...TEXTS.flatMap(({ mask }) => [...mask])),
      uncondInputIds: Int32Array.of(...TEXTS.flatMap(() => [...NO_TEXT.ids])),
      uncondAttentionMask: Int32Array.of(...TEXTS.flatMap(() => [...NO_TEXT.mask])),
      rows: 3,
      length: 8,
    };
    const rowKeys = [prngKey(5), prngKey(6), prngKey(7)];
    const together = await generateTokens(model, inputs, { rowKeys, conditionScale: 3 });
    for (const [row, key] of rowKeys.entries()) {
      const text = TEXTS[row] as TextIds;
      const own = await alone(model, { text, noText: NO_TEXT, conditionScale: 3, noise: { key } });
      expect(together[row]).toEqual(own.tokens);
    }
  });
});

describe('a loop', () => {
  let model: DalleBart;
  beforeAll(async () => {
    await tf.setBackend(backends.at(-1) as string);
    model = new DalleBart(parseDalleBartConfig(SIZES));
    fillByFormula(model);
  });
  afterAll(() => {
    model.dispose();
  });
  const request = (text: number, seed: number): DrawingRequest => ({
    text: TEXTS[text] as TextIds,
    noText: NO_TEXT,
    conditionScale: 4,
    temperature: 3,
    noise: { key: prngKey(seed) },
  });

  test('encodes a text once, and keeps it for later requests while there is room', async () => {
    const watched = new WatchedLoop(model, 6);
    const drawings = [request(0, 1), request(0, 2), request(1, 3)].map((one) => watched.admit(one));
    expect(watched.encoded).toBe(3); // two prompts and no prompt
    await watched.loop.step();
    for (const drawing of drawings) watched.loop.release(drawing);
    watched.admit(request(1, 4));
    expect(watched.encoded).toBe(3);
    watched.loop.dispose();
  });

  test('gives a text place to another when it must, never one that is looked at', async () => {
    const watched = new WatchedLoop(model, 2);
    for (const text of [0, 1, 2, 0, 1]) {
      const one = request(text, text);
      const drawing = watched.admit(one);
      while (!drawing.done) await watched.loop.step();
      expect(drawing.tokens).toEqual((await alone(model, one)).tokens);
    }
    expect(watched.encoded).toBe(6); // no prompt once
    watched.loop.dispose();
  });

  test('a step that fails changes nothing and can be taken again', async () => {
    const watched = new WatchedLoop(model, 4);
    const requests = [request(0, 1), request(1, 2)];
    const drawings = requests.map((one) => watched.admit(one));
    await watched.loop.step();
    const before = drawings.map(({ step, tokens }) => [step, [...tokens]]);
    watched.failure = new Error('no memory');
    const tensors = tf.memory().numTensors;
    await expect(watched.loop.step()).rejects.toThrow('no memory');
    expect(tf.memory().numTensors).toBe(tensors);
    expect(drawings.map(({ step, tokens }) => [step, [...tokens]])).toEqual(before);
    watched.failure = undefined;
    while (watched.loop.drawings.length > 0) await watched.loop.step();
    for (const [i, one] of requests.entries()) {
      expect(drawings[i]?.tokens).toEqual((await alone(model, one)).tokens);
    }
    watched.loop.dispose();
  });

  test('pictures come, go and end while a step is under way', async () => {
    const loop = new DecodeLoop(model, { rows: 6 });
    const [first, second] = [loop.admit(request(0, 1)), loop.admit(request(1, 2))];
    const step = loop.step();
    await expect(loop.step()).rejects.toThrow('a step is under way');
    loop.release(second);
    const third = loop.admit(request(2, 3));
    expect(await step).toEqual([first]);
    expect([first.step, second.step, third.step]).toEqual([1, 0, 0]);
    while (!third.done) await loop.step();
    expect(third.tokens).toEqual((await alone(model, request(2, 3))).tokens);
    const before = tf.memory().numTensors;
    loop.admit(request(1, 2));
    const last = loop.step();
    loop.dispose();
    expect(await last).toEqual([]);
    expect(tf.memory().numTensors).toBeLessThan(before);
    expect(() => loop.admit(request(0, 1))).toThrow('has been disposed');
  });

  test('nothing is read before it has been awaited', async () => {
    const read = jest.spyOn(tf.Tensor.prototype, 'dataSync').mockImplementation(() => {
      throw new Error('read');
    });
    try {
      const loop = new DecodeLoop(model, { rows: 2 });
      const drawing = loop.admit(request(0, 1));
      while (!drawing.done) await loop.step();
      loop.dispose();
    } finally {
      read.mockRestore();
    }
  });

  test('refuses what does not fit, and is as it was', async () => {
    const loop = new DecodeLoop(model, { rows: 3, length: 5 });
    const short = { ...request(0, 1), maxLength: 6 };
    loop.admit(short);
    const tensors = tf.memory().numTensors;
    expect(loop.fits({ conditionScale: 4 })).toBe(false);
    expect(loop.fits({})).toBe(true);
    expect(() => loop.admit(short)).toThrow('room for 2 rows, found 1 of 3 free');
    expect(() => loop.admit(request(0, 1))).toThrow('maxLength to be at most 6');
    const bare: DrawingRequest = { text: NO_TEXT, maxLength: 6 };
    expect(() => loop.admit({ ...bare, conditionScale: 2 })).toThrow('noText');
    expect(() => loop.admit({ ...bare, text: textOf(0, 30, 2) })).toThrow('text id 30 is outside');
    expect(() => loop.admit({ ...bare, text: { ids: NO_TEXT.ids, mask: new Int32Array(3) } })).toThrow(
      'a text of 1 to 8 ids',
    );
    expect(() => loop.admit({ ...bare, temperature: 0 })).toThrow('temperature');
    expect([tf.memory().numTensors, loop.freeRows]).toEqual([tensors, 1]);
    loop.dispose();
    for (const [options, message] of [
      [{ rows: 0 }, 'rows to be a whole number of at least 1, got 0'],
      [{ rows: 2, length: 10 }, 'length to be a whole number from 1 to 9, got 10'],
      [{ rows: 2, rowsOfPass: 1 }, 'rowsOfPass'],
    ] as const) {
      expect(() => new DecodeLoop(model, options)).toThrow(message);
    }
  });
});
