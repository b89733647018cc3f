import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@easel/core';
import { saveSafetensors } from '@easel/core/node';
import { openLpips } from '@easel/vqgan/node';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type * as tf from '@tensorflow/tfjs';
import { runEasel } from '../../testing/run-easel.js';

jest.setTimeout(300_000); // a busy machine

const widths = [2, 3, 4, 3, 5];
/** torchvision's numbers of VGG16's convolutions, by level. */
const layers = [
  [0, 2],
  [5, 7],
  [10, 12, 14],
  [17, 19, 21],
  [24, 26, 28],
];

let root: string;
const at = (...parts: string[]) => join(root, ...parts);
/** Numbers that are the same on every day. */
const tensor = (shape: number[], seed: number) => ({
  data: Float32Array.from({ length: shape.reduce((n, side) => n * side, 1) }, (_, i) => Math.sin(i + seed)),
  shape,
});
/** Of the kernel of VGG16's second convolution, [out 2, in 2, 3, 3]. */
const second = tensor([2, 2, 3, 3], 2);

beforeAll(async () => {
  await selectBackend('cpu');
  root = mkdtempSync(join(tmpdir(), 'easel-lpips-'));
  const vgg = new Map<string, ReturnType<typeof tensor>>([['classifier.0.weight', tensor([2, 2], 0)]]);
  let input = 3;
  for (const [level, numbers] of layers.entries())
    for (const number of numbers) {
      const width = widths[level] as number;
      vgg.set(`features.${number}.weight`, tensor([width, input, 3, 3], number));
      vgg.set(`features.${number}.bias`, tensor([width], number));
      input = width;
    }
  await saveSafetensors(at('vgg16.safetensors'), vgg);
  const linear = widths.map((width, k) => [`lin${k}.model.1.weight`, tensor([1, width, 1, 1], k)] as const);
  await saveSafetensors(at('lin.safetensors'), new Map(linear));
});
afterAll(() => rmSync(root, { recursive: true }));

test('VGG16 of torchvision and the linear weights of LPIPS → one folder, which opens', async () => {
  const lpips = ['--lpips', at('lin.safetensors')];
  const { code, stdout, stderr } = await runEasel(
    'convert',
    at('vgg16.safetensors'),
    at('lpips'),
    ...[...lpips, '--verify', '--backend', 'cpu', '--quiet'],
  );
  expect([code, stderr]).toEqual([0, stderr]);
  expect(stdout).toMatch(/LPIPS, 31 tensors, .* MiB, outputs equal/);
  expect(JSON.parse(readFileSync(at('lpips', 'config.json'), 'utf8'))).toEqual({
    model_type: 'lpips',
    widths,
  });
  const opened = await openLpips([at('lpips')]);
  const kernel = opened.namedWeights().get('conv1_2.kernel') as tf.Variable;
  expect(kernel.shape).toEqual([3, 3, 2, 2]);
  // [out, in, h, w] = [1, 0, 2, 1] of torchvision's is [h, w, in, out] = [2, 1, 0, 1] of ours.
  const ours = kernel.dataSync()[((2 * 3 + 1) * 2 + 0) * 2 + 1];
  expect(ours).toBe(second.data[((1 * 2 + 0) * 3 + 2) * 3 + 1]);
  opened.dispose();
});

test.each([
  ['VGG16 alone', () => [], /VGG16 without the linear weights of LPIPS.*--lpips/],
  ['in Flax’s form', () => ['--lpips', at('lin.safetensors'), '--to', 'flax'], /no Flax form/],
])('refused: %s', async (_, options, message) => {
  const { code, stderr } = await runEasel('convert', at('vgg16.safetensors'), at('refused'), ...options());
  expect(code).not.toBe(0);
  expect(stderr).toMatch(message);
});
