// Runs cases on a tfjs backend: node tfjs_peer.mjs native|wasm|cpu. One JSON request a line in, one answer a line out.
import { createInterface } from 'node:readline';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { nativeStatus } from 'tfjs-backend-native';

const backend = process.argv[2];
if (!(await tf.setBackend(backend))) throw new Error(`tfjs backend '${backend}' did not start`);
await tf.ready();

const values = (shape) => tf.randomUniform(shape, -1, 1, 'float32', 1);

const kinds = {
  matmul: ({ m, k, n }) => {
    const a = values([m, k]);
    const b = values([k, n]);
    return () => tf.matMul(a, b).dispose();
  },
  conv: ({ batch, size, channels }) => {
    const x = values([batch, size, size, channels]);
    const w = values([3, 3, channels, channels]);
    return () => tf.conv2d(x, w, 1, 'same').dispose();
  },
  conv_gradients: ({ batch, size, channels }) => {
    const x = values([batch, size, size, channels]);
    const w = values([3, 3, channels, channels]);
    const dy = values([batch, size, size, channels]);
    const gradients = tf.grads((input, filter) => tf.conv2d(input, filter, 1, 'same'));
    return () => tf.dispose(gradients([x, w], dy));
  },
};

const prepared = new Map();
tf.engine().startScope();
const answers = {
  describe: () => {
    const status = nativeStatus();
    return { tfjs: tf.version_core, backend, ...(backend === 'native' ? status : {}) };
  },
  run: ({ name, kind, args, repeats }) => {
    if (!kinds[kind]) return { unsupported: true };
    if (!prepared.has(name)) {
      tf.engine().endScope(); // frees the last case's tensors
      tf.engine().startScope();
      prepared.clear();
      prepared.set(name, kinds[kind](args));
      prepared.get(name)();
    }
    const run = prepared.get(name);
    const ms = [];
    for (let i = 0; i < repeats; i++) {
      const start = performance.now();
      run();
      ms.push(performance.now() - start);
    }
    return { ms };
  },
};
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...request } = JSON.parse(line);
  let answer;
  try {
    answer = answers[command](request);
  } catch (error) {
    answer = { unsupported: true, reason: String(error.message).split('\n')[0] };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
