import { dirname } from 'node:path';
import { type GenerateInputs, generateTokens } from '@easel/bart';
import { minDalle, minDalleConditioned } from '@easel/bart/internals';
import * as tf from '@tensorflow/tfjs';
import type { Checks, Tolerance } from '../../checks.js';
import { GoldenArrays, readJson } from '../../golden.js';
import { type Case, GoldenFolder } from '../../kind.js';
import { plainModel } from './conditioned-logits.js';
import { withModel } from './with-model.js';

interface MinDalleCall {
  readonly name: string;
  /** Name of the array of logits, for a call where only the rule ran. */
  readonly logits?: string;
  /** Number of rows, for a call where min-dalle drew. They differ by their start tokens alone. */
  readonly images?: number;
  readonly temperature: number;
  readonly top_k: number;
  readonly supercondition_factor: number;
}

const WEIGHTS: Tolerance = { absolute: 1e-6, reason: 'exp in float32' };
const STATES: Tolerance = {
  absolute: 1e-4,
  reason: 'float32; min-dalle and DALL·E mini themselves differ by 1.2e-5',
};

/**
 * `cases.json` of min_dalle/: the sampling rule on given logits, and whole runs with the weights of
 * the folder beside it.
 */
export function minDalleCases(folder: GoldenFolder): Case[] {
  const io = (): GoldenArrays => new GoldenArrays(folder.file('io.safetensors'));
  return readJson<MinDalleCall[]>(folder.file('cases.json')).map((call) => ({
    name: call.name,
    async run(checks: Checks) {
      checkWeights(checks, io(), call);
      if (call.images !== undefined) await checkDrawing(checks, folder, io(), call);
    },
  }));
}

/**
 * Compares the weights with which min-dalle draws from logits [2n, V], whose first half is
 * unconditional.
 */
function checkWeights(checks: Checks, io: GoldenArrays, call: MinDalleCall): void {
  const name = call.logits ?? `${call.name}.logits`;
  const vocabulary = io.shape(name).at(-1) as number;
  const all = io.floats(name);
  const expected = io.floats(`${call.name}.weights`);
  const size = call.images === undefined ? all.length : 2 * call.images * vocabulary; // of one step
  const rule = minDalle(call.top_k, call.temperature, vocabulary);
  const got: number[] = [];
  for (let step = 0; step < all.length / size; step++) {
    const images = size / vocabulary / 2;
    const row = (i: number): Float32Array =>
      all.subarray(step * size + i * vocabulary, step * size + (i + 1) * vocabulary);
    for (let image = 0; image < images; image++) {
      const mixed = minDalleConditioned(row(images + image), row(image), call.supercondition_factor);
      for (const score of rule(mixed, 1)) got.push(Math.fround(Math.exp(score)));
    }
  }
  const kept = (weights: ArrayLike<number>): string =>
    Array.from(weights, (weight) => (weight > 0 ? '1' : '0')).join('');
  checks.equal('kept', call.name, kept(got), kept(expected));
  checks.close('weights', call.name, got, expected, WEIGHTS);
}

/**
 * Compares runs that take the likeliest token. Each row is drawn alone, because rows differ by
 * their start tokens.
 */
async function checkDrawing(
  checks: Checks,
  folder: GoldenFolder,
  io: GoldenArrays,
  call: MinDalleCall,
): Promise<void> {
  const modelFolder = plainModel(new GoldenFolder(dirname(folder.path)));
  await withModel(modelFolder, async (model) => {
    const [, length] = io.shape('text_tokens') as [number, number];
    const ids = io.ints('text_tokens');
    const mask = ids.map((id) => Number(id !== 1));
    const encoded = tf.tidy(() =>
      model.encode(tf.tensor2d(ids, [2, length], 'int32'), tf.tensor2d(mask, [2, length], 'int32')),
    );
    checks.close('states', 'encoder', await encoded.data(), io.floats('encoder_state'), STATES);
    encoded.dispose();
    const inputs: GenerateInputs = {
      inputIds: ids.slice(length),
      attentionMask: mask.slice(length),
      uncondInputIds: ids.slice(0, length),
      uncondAttentionMask: mask.slice(0, length),
      rows: 1,
      length,
    };
    const tokens = io.ints(`${call.name}.tokens`);
    const width = io.shape(`${call.name}.tokens`)[1] as number;
    for (let image = 0; image < (call.images ?? 0); image++) {
      const expected = [...tokens.subarray(image * width, (image + 1) * width)];
      const [row] = await generateTokens(model, inputs, {
        rule: 'min-dalle',
        greedy: true,
        decoderStartTokenId: expected[0] as number,
        temperature: call.temperature,
        topK: call.top_k,
        conditionScale: call.supercondition_factor,
        idsBelow: Number.POSITIVE_INFINITY,
      });
      checks.equal('ids', `image ${image}`, [...(row as Int32Array)], expected.slice(1));
    }
  });
}
