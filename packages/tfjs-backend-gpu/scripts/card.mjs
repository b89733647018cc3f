// What a graphics card does at DALL·E mini's shapes: node scripts/card.mjs > card.json, after a build.
//
// Prints one JSON: adapter, features, limits, and for each kernel the median milliseconds with
// TFLOP/s or GB/s. SCALE=0.1 makes all shapes smaller. Times are differences of many and few runs,
// so that submitting and waiting fall out.
import * as tf from '@tensorflow/tfjs';
import { gpuStatus } from 'tfjs-backend-gpu';

const scale = Number(process.env.SCALE ?? 1);
const status = await gpuStatus();
if (!status.available) {
  console.error(status.reason);
  process.exit(1);
}
await tf.setBackend('gpu');
const backend = tf.backend();
const report = { ...status, scale, rows: [] };

async function time(name, run, { flop = 0, bytes = 0, few = 2, many = 12 } = {}) {
  const times = async (count) => {
    await backend.finish();
    const start = performance.now();
    for (let i = 0; i < count; i++) tf.tidy(() => void run());
    await backend.finish();
    return performance.now() - start;
  };
  await times(2);
  const all = [];
  for (let round = 0; round < 5; round++) all.push(((await times(many)) - (await times(few))) / (many - few));
  all.sort((a, b) => a - b);
  const [least, , ms, , most] = all;
  const rate = { ...(flop && { tflops: flop / ms / 1e9 }), ...(bytes && { gbs: bytes / ms / 1e6 }) };
  report.rows.push({ name, ms, least, most, ...rate });
  console.error(name, `${ms.toFixed(3)} ms`, rate);
}

const size = (extent) => Math.max(1, Math.ceil(extent * scale));
const filled = (shape) => tf.tidy(() => tf.add(tf.randomUniform(shape, -1, 1), 0));
const kernel = (name, inputs, attributes = {}) => tf.engine().runKernel(name, inputs, attributes);

for (const [rows, inner, outer] of [
  [2048, 1024, 1024],
  [2048, 1024, 2730],
  [2048, 1024, 16392],
  [16, 1024, 1024], // a decode step
].map((extents) => extents.map(size))) {
  const [x, w] = [filled([rows, inner]), filled([inner, outer])];
  const flop = 2 * rows * inner * outer;
  await time(`Linear [${rows}, ${inner}]·[${inner}, ${outer}]`, () => kernel('Linear', { x, kernel: w }), {
    flop,
  });
  const dy = filled([rows, outer]);
  await time(
    `LinearKernelGrad [${rows}, ${inner}]ᵀ·[${rows}, ${outer}]`,
    () => kernel('LinearKernelGrad', { x, dy }),
    {
      flop,
    },
  );
  tf.dispose([x, w, dy]);
}
{
  const [batch, length, heads, width] = [size(8), size(256), 16, 1024];
  const [q, k, v, dy] = [0, 1, 2, 3].map(() => filled([batch, length, width]));
  const settings = { heads, scale: 0.125, causal: true, withStats: true };
  const flop = 2 * batch * length * length * width; // two products, half of each is seen
  await time(`Attention [${batch}, ${length}, ${width}]`, () => kernel('Attention', { q, k, v }, settings), {
    flop,
  });
  const [y, stats] = kernel('Attention', { q, k, v }, settings);
  const run = () => kernel('AttentionGrad', { dy, q, k, v, y, stats }, settings);
  await time('AttentionGrad', run, { flop: 2.5 * flop });
  const one = filled([batch, 1, width]);
  const last = { ...settings, withStats: false, firstQuery: length - 1 };
  await time('Attention of one query', () => kernel('Attention', { q: one, k, v }, last), {
    bytes: 8 * batch * length * width,
  });
  tf.dispose([q, k, v, dy, y, stats, one]);
}
{
  const [rows, width] = [size(8192), 1024];
  const [x, weights] = [filled([rows, width]), filled([width])];
  const run = () => kernel('LayerNorm', { x, scale: weights, bias: weights }, { epsilon: 1e-5 });
  await time(`LayerNorm [${rows}, ${width}]`, run, { bytes: 8 * rows * width });
  await time('SumOfSquares', () => kernel('SumOfSquares', { x }), { bytes: 4 * rows * width });
  await time('tf.add', () => tf.add(x, x), { bytes: 8 * rows * width });
  const logits = filled([size(2048), 16392]);
  const labels = tf.zeros([logits.shape[0]], 'int32');
  await time('SparseCrossEntropy', () => kernel('SparseCrossEntropy', { logits, labels }), {
    bytes: 4 * logits.size,
  });
  const count = size(2 ** 25);
  const grad = filled([count]);
  const [param, m, v] = [0, 1, 2].map(() => tf.variable(tf.zeros([count])));
  const settings = {
    learningRate: 1e-3,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.01,
    step: 3,
  };
  await time(`AdamWUpdate of ${count}`, () => kernel('AdamWUpdate', { param, grad, m, v }, settings), {
    bytes: 28 * count,
  });
}
{
  const x = filled([8, 256]);
  await time('a small dispatch', () => tf.add(x, x), { few: 200, many: 2200 });
  const start = performance.now();
  for (let i = 0; i < 50; i++) {
    const y = tf.add(x, 1);
    await y.data();
    y.dispose();
  }
  report.rows.push({ name: 'a small dispatch and its awaited read', ms: (performance.now() - start) / 50 });
}
report.counts = backend.dispatcher.counts;
console.log(JSON.stringify(report, null, 1));
process.exit(0); // Dawn may keep Node alive
