// The net of @vscode/vscode-languagedetection, which reads programs' text and says their language: strings, hashes,
// sparse tensors and a loop.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { compareBackends } from './compare.mjs';
import { modelFile, packageFolder } from './model-files.mjs';

const require = createRequire(import.meta.url);
const texts = [
  readFileSync(import.meta.filename, 'utf8'),
  readFileSync(require.resolve('jpeg-js'), 'utf8'),
  '#include <stdio.h>\nint main(void) {\n  for (int i = 0; i < 3; i++) printf("%d\\n", i);\n  return 0;\n}\n',
  'def f(x):\n    return x + 1\n\nimport os\nfor i in range(3):\n    print(f(i), os.getcwd())\n',
];
// Else tfjs-converter 4.22 disposes weights inside of the loop, on every backend.
tf.env().set('KEEP_INTERMEDIATE_TENSORS', true);
const report = await compareBackends('language detection', async () => {
  const model = await tf.loadGraphModel(
    modelFile(join(packageFolder('@vscode/vscode-languagedetection'), 'model/model.json')),
  );
  return {
    compute: async () => {
      const results = [];
      for (const text of texts) {
        const input = tf.tensor1d([text], 'string');
        const [probabilities, names] = await model.executeAsync(input);
        results.push(probabilities.dataSync(), names.dataSync().join());
        if (process.env.SHOW) {
          const p = Array.from(probabilities.dataSync());
          console.error(names.dataSync()[p.indexOf(Math.max(...p))], Math.max(...p));
        }
        tf.dispose([input, probabilities, names]);
        model.disposeIntermediateTensors();
      }
      return results;
    },
    dispose: () => model.dispose(),
  };
});
process.exitCode = report.ok ? 0 : 1;
