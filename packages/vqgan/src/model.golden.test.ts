import { CompositeLayer, silu, valueAndGrads } from '@easel/core';
import { describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { Vqgan } from './model.js';
import { FAST_BACKEND, TEST_BACKENDS } from './testing/backends.js';
import {
  formulaWeight,
  goldenConfig,
  goldenModel,
  hashedUniform,
  largestDifference,
  product,
  readGolden,
  setWeights,
  toTensor,
} from './testing/golden-case.js';

// Values are of order 1; the original's own float32 noise against float64 is up to 9e-6 (outputs) and 7e-6 (gradients).
const OUTPUT_TOLERANCE = 5e-5;
const GRADIENT_TOLERANCE = 2e-5;

const { sin, sqrt } = Math;

const CASES = [
  { name: 'two_levels', inputs: ['io'], gradients: ['grads'] },
  { name: 'no_attention', inputs: ['io'], gradients: ['grads'] },
  { name: 'wide_groups', inputs: ['io'], gradients: ['grads'] },
  { name: 'three_levels', inputs: ['io', 'io_2'], gradients: ['grads', 'grads_2'] },
  { name: 'double_z_pre_end', inputs: ['io'], gradients: ['grads'] },
  { name: 'f16_16384_shape', inputs: ['io', 'io_2'], gradients: ['grads'] },
];

describe('weights of the golden cases', () => {
  test('the hash gives the published values', () => {
    const expected = [-0.87286949, -0.26787174, 0.12254882, -0.6326555];
    expect(largestDifference(hashedUniform('pixels', 4, 1), expected)).toBeLessThan(1e-8);
  });

  test.each(CASES)('$name: names, sizes and sampled values', ({ name }) => {
    const { config, seed } = goldenConfig(name);
    const check = readGolden(`${name}/weights_check.safetensors`);
    const model = new Vqgan(config);
    const weights = model.namedWeights();
    expect([...weights.keys()].map((path) => path.replaceAll('.', '/')).sort()).toEqual(
      [...check.names].sort(),
    );
    expect([...weights.values()].reduce((sum, weight) => sum + weight.size, 0)).toBe(check.metadata.total);
    for (const [path, weight] of weights) {
      const values = formulaWeight(path.replaceAll('.', '/'), weight.shape, seed);
      const step = Math.max(1, Math.ceil(values.length / 3));
      const sampled = values.filter((_, i) => i % step === 0);
      expect([path, largestDifference(sampled, check.get(path.replaceAll('.', '/')).data)]).toEqual([
        path,
        0,
      ]);
    }
    model.dispose();
  });
});

describe.each(TEST_BACKENDS)('on %s', (backend) => {
  // tfjs's own convolutions take minutes over the other cases.
  const cases = backend === 'cpu' ? CASES.filter(({ name }) => name === 'two_levels') : CASES;
  const outputs = cases.flatMap(({ name, inputs }) => inputs.map((file) => ({ name, file })));
  test.each(outputs)('$name/$file: latents, tokens and pixels', async ({ name, file }) => {
    await tf.setBackend(backend);
    const model = goldenModel(name);
    const io = readGolden(`${name}/${file}.safetensors`);
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const pixels = toTensor(io.get('pixels')) as tf.Tensor4D;
      const compare = (output: string, found: tf.Tensor): void => {
        expect([output, found.shape]).toEqual([output, io.get(output).shape]);
        expect(
          `${output} ${largestDifference(found.dataSync(), io.get(output).data) < OUTPUT_TOLERANCE}`,
        ).toBe(`${output} true`);
      };
      const latents = model.encodeToLatent(pixels);
      compare('z', latents);
      expect([...model.encode(pixels).dataSync()]).toEqual([...io.get('indices').data]);
      const codes = model.quantizer.call(latents);
      compare('z_q', codes);
      compare('decoded', model.decodeLatent(codes));
      compare('decoded', model.call(pixels));
      compare('decode_code', model.decodeCode(toTensor(io.get('code')) as tf.Tensor2D));
      expect(model.computeOutputShape(pixels.shape)).toEqual(io.get('decoded').shape);
    });
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });

  const gradients = (backend === FAST_BACKEND ? cases : []).flatMap(({ name, gradients }) =>
    gradients.map((file) => ({ name, file })),
  );
  if (gradients.length > 0)
    test.each(gradients)('$name/$file: gradient of every weight', async ({ name, file }) => {
      await tf.setBackend(backend);
      const model = goldenModel(name);
      const io = readGolden(`${name}/${file.replace('grads', 'io')}.safetensors`);
      const golden = readGolden(`${name}/${file}.safetensors`);
      const steps = golden.metadata.steps as Record<string, number>;
      const pixels = toTensor(io.get('pixels')) as tf.Tensor4D;
      const { value, grads } = valueAndGrads(() => legacyObjective(model, pixels), model.namedWeights());
      expect(largestDifference(value.dataSync(), io.get('loss').data)).toBeLessThan(1e-5);
      const wrong: string[] = [];
      for (const [path, grad] of grads) {
        const key = path.replaceAll('.', '/');
        const values = grad.dataSync();
        if (golden.names.includes(key)) {
          const step = steps[key] ?? 1;
          const sampled = values.filter((_, i) => i % step === 0);
          const difference = largestDifference(sampled, golden.get(key).data);
          if (!(difference < GRADIENT_TOLERANCE)) wrong.push(`${path}: ${difference}`);
        }
        const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
        const expected = golden.get(`${key}#norm`).data[0] as number;
        if (!(Math.abs(norm - expected) < GRADIENT_TOLERANCE + 1e-4 * expected)) {
          wrong.push(`${path}: norm ${norm}, expected ${expected}`);
        }
      }
      expect(wrong).toEqual([]);
      expect(grads.size).toBe(golden.names.filter((key) => key.endsWith('#norm')).length);
      tf.dispose([value, pixels, ...grads.values()]);
      model.dispose();
    });

  test('two_levels: output of every module', async () => {
    await tf.setBackend(backend);
    const model = goldenModel('two_levels');
    const golden = readGolden('two_levels/activations.safetensors');
    const found = new Map<string, tf.Tensor>();
    for (const [path, layer] of layersBelow(model)) {
      const call = layer.call.bind(layer);
      layer.call = (...args) => {
        const output = call(...args) as tf.Tensor;
        found.set(path, tf.keep(output.clone()));
        return output;
      };
    }
    tf.dispose(model.call(toTensor(readGolden('two_levels/io.safetensors').get('pixels'))));
    // In the order of the calls, so that the first wrong layer heads the list.
    const wrong: string[] = [];
    let compared = 0;
    for (const [path, output] of found) {
      const key = path.replaceAll('.', '/');
      if (!golden.names.includes(key)) continue;
      // Ours applies the swish that follows a norm inside the norm.
      const expected = toTensor(golden.get(key));
      const target = key.endsWith('norm_out') ? silu(expected) : expected;
      const difference = largestDifference(output.dataSync(), target.dataSync());
      if (!(difference < OUTPUT_TOLERANCE)) wrong.push(`${path}: ${difference}`);
      compared++;
    }
    expect(wrong).toEqual([]);
    expect(compared).toBe(golden.names.length);
  });
});

/** Mean squared reconstruction and taming's legacy quantizer loss with beta 0.25, the objective behind the golden gradients. */
function legacyObjective(model: Vqgan, pixels: tf.Tensor4D): tf.Scalar {
  const latents = model.encodeToLatent(pixels);
  const indices = tf.tensor(model.encode(pixels).dataSync(), latents.shape.slice(0, 3), 'int32');
  const codes = model.quantizer.lookUp(indices);
  const constant = (x: tf.Tensor): tf.Tensor => tf.tensor(x.dataSync(), x.shape);
  const quantizing = tf.add(
    tf.mean(tf.squaredDifference(constant(codes), latents)),
    tf.mul(tf.mean(tf.squaredDifference(codes, constant(latents))), 0.25),
  );
  const decoded = model.decodeLatent(tf.add(latents, constant(tf.sub(codes, latents))) as tf.Tensor4D);
  const target = `${decoded.shape}` === `${pixels.shape}` ? pixels : tf.zerosLike(decoded);
  return tf.add(tf.mean(tf.squaredDifference(decoded, target)), quantizing) as tf.Scalar;
}

/** Every layer below a model by its path. */
function layersBelow(layer: tf.layers.Layer, prefix = ''): [string, tf.layers.Layer][] {
  if (!(layer instanceof CompositeLayer)) return [];
  const { children } = layer as unknown as { children: Map<string, tf.layers.Layer> };
  return [...children].flatMap(([name, child]): [string, tf.layers.Layer][] => [
    [`${prefix}${name}`, child],
    ...layersBelow(child, `${prefix}${name}.`),
  ]);
}

describe('conformance vector of a second implementation', () => {
  test('latents, tokens and pixels of weights by sine', async () => {
    await tf.setBackend(FAST_BACKEND);
    const { config } = goldenConfig('two_levels');
    const model = new Vqgan({ ...config, chMult: [1, 2], zChannels: 8, embedDim: 4, nEmbed: 16 });
    const rank = new Map([...model.namedWeights().keys()].sort().map((name, k) => [name, k]));
    setWeights(model, (path, shape) => {
      const k = rank.get(path.replaceAll('/', '.')) as number;
      const size = product(shape);
      const [base, factor] = path.endsWith('/scale')
        ? [1, 0.2]
        : [0, path.endsWith('/kernel') ? 3 / sqrt(product(shape.slice(0, -1))) : 1];
      const values = new Float32Array(size);
      for (let j = 0; j < size; j++) values[j] = base + factor * 0.5 * sin(12.9898 * (j + 1) + 1.3 * k);
      return values;
    });
    expect(rank.size).toBe(155);
    const pixels = tf.tensor4d(
      Float32Array.from({ length: 192 }, (_, i) => 0.5 + 0.5 * Math.sin(0.1 * i)),
      [1, 8, 8, 3],
    );
    const latents = model.encodeToLatent(pixels).dataSync();
    const near = (found: ArrayLike<number>, expected: number[]): void =>
      expect(largestDifference(found, expected)).toBeLessThan(1e-4);
    near(latents.slice(0, 4), [0.056121, -0.253637, -0.518596, -0.691955]);
    near(latents.slice(60, 64), [0.060673, -0.261983, -0.538366, -0.719657]);
    expect([...model.encode(pixels).dataSync()]).toEqual(new Array(16).fill(6));
    const codes = tf.tensor2d(
      Array.from({ length: 16 }, (_, i) => (5 * i + 3) % 16),
      [1, 16],
      'int32',
    );
    const drawn = model.decodeCode(codes);
    const values = drawn.dataSync();
    near(values.slice(0, 3), [-0.000679, -0.231365, -0.421186]);
    near(values.slice(189), [0.060698, -0.150251, -0.33466]);
    const { mean, variance } = tf.moments(drawn);
    near([mean.dataSync()[0] as number, Math.sqrt(variance.dataSync()[0] as number)], [-0.151844, 0.186419]);
  });
});
