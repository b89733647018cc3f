import { fillByFormula } from '@easel/conformance/kinds/bart/formula-weights';
import { loadWeights, prngKey, randint, type TensorSource, valueAndGrads } from '@easel/core';
import { beforeAll, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { backends } from '../testing/backends.js';
import { ACTIVATIONS, LN_POSITIONS, LN_TYPES, parseDalleBartConfig } from './config.js';
import { DalleBart } from './model.js';
import { bartRulesForFlax, flaxLayout } from './weights.js';

jest.setTimeout(300_000); // a busy machine

// The recorded models vary one setting or a few. Here all are drawn at once, and what must hold for
// any of them is checked.

const SIZES = {
  encoder_vocab_size: 23,
  image_vocab_size: 19,
  image_length: 7,
  max_text_length: 5,
  d_model: 12,
  encoder_ffn_dim: 10,
  decoder_ffn_dim: 14,
  dropout: 0,
};

const CHOICES: Readonly<Record<string, readonly unknown[]>> = {
  encoder_layers: [1, 2],
  decoder_layers: [1, 2, 3],
  encoder_attention_heads: [1, 3],
  decoder_attention_heads: [2, 4],
  ln_positions: [...LN_POSITIONS, 'deepnet'],
  ln_type: LN_TYPES,
  activation_function: ACTIVATIONS,
  use_glu: [true, false],
  use_bias: [true, false],
  use_head_scale: [true, false],
  use_cosine_attention: [true, false],
  tau_init: [0.5, 1],
  use_absolute_position_embeddings: [true, false],
  use_swin_position_embeddings: [true, false],
  use_deepnet_scaling: [true, false],
  use_subln_init: [true, false],
  scale_embedding: [true, false],
  sinkhorn_iters: [1, 2, 3],
  use_final_ln_encoder: [true, false],
  use_final_ln_decoder: [true, false],
  force_ln_scale: [true, false],
  gradient_checkpointing: [true, false],
  use_scan: [true, false],
};

/** Settings by a seed, without the combinations that the original refuses. */
function settingsOf(seed: number): Record<string, unknown> {
  const names = Object.keys(CHOICES);
  const picks = randint(prngKey(seed), [names.length], 0, 2 ** 20);
  const drawn = Object.fromEntries(
    names.map((name, i) => {
      const values = CHOICES[name] as readonly unknown[];
      return [name, values[(picks[i] as number) % values.length]];
    }),
  );
  if (['postln', 'deepnet'].includes(drawn.ln_positions as string)) {
    drawn.use_final_ln_encoder = true;
    drawn.use_final_ln_decoder = true;
  }
  if (drawn.ln_positions === 'swinv2') drawn.use_scan = false;
  return { ...SIZES, ...drawn };
}

const ids = (rows: number, length: number, below: number, seed: number): tf.Tensor2D =>
  tf.tensor2d(randint(prngKey(seed), [rows, length], 0, below), [rows, length], 'int32');

function inputsOf() {
  return {
    inputIds: ids(2, 5, 23, 1),
    attentionMask: tf.tensor2d([1, 1, 1, 1, 1, 1, 1, 1, 0, 0], [2, 5], 'int32'),
    decoderInputIds: ids(2, 7, 20, 2),
  };
}

beforeAll(async () => {
  await tf.setBackend(backends.at(-1) as string);
});

test.each(Array.from({ length: 40 }, (_, seed) => seed))('settings drawn with seed %d', async (seed) => {
  const before = tf.memory().numTensors;
  const json = settingsOf(seed);
  const model = new DalleBart(parseDalleBartConfig(json));
  fillByFormula(model);
  const inputs = inputsOf();
  const logits = model.logits(inputs);
  const full = logits.dataSync<'float32'>();
  expect([json, full.every(Number.isFinite)]).toEqual([json, true]);

  // What a step gives from its cache is what the full pass gives at its place.
  const encoded = model.encode(inputs.inputIds, inputs.attentionMask);
  const state = model.startDecoding({ rows: 3, length: 7, texts: 2, textLength: 5 });
  model.setTexts(state, 0, encoded, inputs.attentionMask);
  const tokens = inputs.decoderInputIds.dataSync();
  let far = 0;
  // Row 2 of the state draws text 0, and row 0 text 1, which is two tokens behind.
  for (let t = 0; t < 9; t++) {
    const drawn = [
      { row: 2, text: 0, at: t },
      { row: 0, text: 1, at: t - 2 },
    ].filter(({ at }) => at >= 0 && at < 7);
    const ints = (of: (one: { row: number; text: number; at: number }) => number): Int32Array =>
      Int32Array.from(drawn, of);
    const step = model.step(state, {
      ids: ints(({ text, at }) => tokens[7 * text + at] as number),
      positions: ints(({ at }) => at),
      rows: ints(({ row }) => row),
      texts: ints(({ text }) => text),
    });
    for (const [i, value] of step.dataSync().entries()) {
      const { text, at } = drawn[Math.floor(i / 20)] as { text: number; at: number };
      far = Math.max(far, Math.abs(value - (full[(7 * text + at) * 20 + (i % 20)] as number)));
    }
    step.dispose();
  }
  const largest = full.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  expect([json, far <= 1e-4 * Math.max(1, largest)]).toEqual([json, true]);
  state.dispose();

  // A text's padding does not reach its logits.
  const padded = tf.tidy(() => {
    const changed = Int32Array.from(inputs.inputIds.dataSync());
    changed.set([22, 21], 8);
    return model.logits({ ...inputs, inputIds: tf.tensor2d(changed, [2, 5], 'int32') });
  });
  const moved = largestDifference(padded.dataSync(), full);
  // (Sinkhorn's steps over queries see the padding's rows, in the original as well.)
  if (json.sinkhorn_iters === 1) {
    expect([json, 'padding', moved <= 1e-4 * Math.max(1, largest)]).toEqual([json, 'padding', true]);
  }

  // Written as the original's checkpoint, layers stacked or apart, and read again.
  const { config } = model;
  const again = new DalleBart(config);
  const source = asFlax(model, config.useScan);
  await loadWeights(again.namedWeights(), source, bartRulesForFlax(config, source));
  const second = again.logits(inputs);
  expect([json, 'read again', largestDifference(second.dataSync(), full)]).toEqual([json, 'read again', 0]);
  again.dispose();

  // Every weight has a gradient.
  const weights = model.namedWeights();
  const loss = () => tf.mean(tf.square(model.logits(inputs))) as tf.Scalar;
  const { value, grads } = valueAndGrads(loss, weights);
  expect([json, [...grads.keys()].sort()]).toEqual([json, [...weights.keys()].sort()]);
  tf.dispose([value, padded, second, encoded, logits, ...Object.values(inputs), ...grads.values()]);
  model.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - (b[i] as number))), 0);
}

/** The weights of a model as the tensors of the original's file. */
function asFlax(model: DalleBart, stacked: boolean): TensorSource {
  const weights = model.namedWeights();
  const values = new Map<string, Float32Array>();
  const entries = new Map<string, { name: string; dtype: 'F32'; shape: number[] }>();
  for (const { name, weights: parts, stacked: isStack } of flaxLayout(model.config, stacked)) {
    const tensors = parts.map((part) => weights.get(part) as tf.Variable);
    const { shape } = tensors[0] as tf.Variable;
    entries.set(name, { name, dtype: 'F32', shape: isStack ? [tensors.length, ...shape] : [...shape] });
    values.set(name, Float32Array.from(tensors.flatMap((tensor) => [...tensor.dataSync()])));
  }
  const read = async (name: string, slice?: number): Promise<Float32Array> => {
    const all = values.get(name) as Float32Array;
    if (slice === undefined) return all.slice();
    const size = all.length / (entries.get(name)?.shape[0] ?? 1);
    return all.slice(slice * size, (slice + 1) * size);
  };
  return { description: 'test', entries, metadata: new Map(), read, close: async () => {} };
}

test('seeds draw different settings', () => {
  const drawn = new Set(Array.from({ length: 40 }, (_, seed) => JSON.stringify(settingsOf(seed))));
  expect(drawn.size).toBe(40);
});
