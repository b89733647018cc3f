// nsfwjs: its three nets on photographs.
import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs';
import { compareBackends } from './compare.mjs';
import { people } from './pictures.mjs';

const nsfwjs = createRequire(import.meta.url)('nsfwjs');

let failed = 0;
for (const net of ['MobileNetV2', 'MobileNetV2Mid', 'InceptionV3']) {
  const report = await compareBackends(`nsfwjs: ${net}`, async () => {
    const model = await nsfwjs.load(net);
    const pictures = (net === 'InceptionV3' ? [2] : [2, 6]).map((number) => people(number, 2));
    return {
      compute: async () => {
        const results = [];
        for (const picture of pictures) {
          const classes = await model.classify(picture, 5);
          classes.sort((a, b) => a.className.localeCompare(b.className));
          results.push(classes.map(({ probability }) => probability));
        }
        return results;
      },
      dispose: () => {
        model.dispose?.();
        tf.dispose(pictures);
      },
    };
  });
  if (!report.ok) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
