// UpscalerJS with the ESRGAN models of its packages: a photograph's corner, whole and in patches.
import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs';
import { compareBackends } from './compare.mjs';
import { people } from './pictures.mjs';

const require = createRequire(import.meta.url);
const Upscaler = require('upscaler/node');
const models = {
  'default-model': require('@upscalerjs/default-model'),
  ...Object.fromEntries(
    ['slim', 'medium', 'thick'].flatMap((size) =>
      ['2x', '3x', '4x', '8x'].map((by) => [
        `esrgan-${size} ${by}`,
        require(`@upscalerjs/esrgan-${size}/${by}`),
      ]),
    ),
  ),
};

let failed = 0;
for (const [name, model] of Object.entries(models)) {
  const report = await compareBackends(`upscaler: ${name}`, async () => {
    const upscaler = new Upscaler({ model });
    const picture = tf.tidy(() => people(1, 2).slice([60, 100, 0], [20, 24, 3]));
    const upscale = async (options) => {
      const result = await upscaler.upscale(picture, { output: 'tensor', ...options });
      const values = result.dataSync();
      result.dispose();
      return values;
    };
    return {
      compute: async () => [await upscale({}), await upscale({ patchSize: 12, padding: 2 })],
      dispose: async () => {
        await upscaler.dispose();
        picture.dispose();
      },
    };
  });
  if (!report.ok) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
