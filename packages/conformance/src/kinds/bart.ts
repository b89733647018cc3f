import type { Case, GoldenFolder, Kind } from '../kind.js';
import { formulaCases } from './bart/formula-weights.js';
import { freshWeightsCase, statisticsCases, statisticsCaseV1 } from './bart/fresh-weights.js';
import { lowPrecisionCase } from './bart/low-precision.js';
import { modelCase } from './bart/model-case.js';
import { refusalCase } from './bart/refusals.js';

/** The text → image-token transformer, both versions. */
export const kind: Kind = {
  cases(folder: GoldenFolder): Case[] {
    const cases: Case[] = [];
    if (folder.has('config.json', 'flax_model.msgpack')) {
      for (const file of folder.files) {
        if (/^io.*\.safetensors$/.test(file)) {
          cases.push(
            modelCase(folder, file, file === 'io.safetensors' ? '' : file.replace('.safetensors', '')),
          );
        } else if (file === 'lowprec.safetensors') {
          cases.push(lowPrecisionCase(folder, file));
        }
      }
    }
    for (const file of folder.files) {
      if (/^exact_.*\.safetensors$/.test(file)) cases.push(freshWeightsCase(folder, file));
    }
    if (folder.has('statistics.json')) cases.push(...statisticsCases(folder.file('statistics.json')));
    if (folder.has('statistics_v1.json')) cases.push(statisticsCaseV1(folder.file('statistics_v1.json')));
    if (folder.has('expected_errors.json')) cases.push(refusalCase(folder.file('expected_errors.json')));
    if (folder.has('formula_weights.json')) cases.push(...formulaCases(folder.file('formula_weights.json')));
    return cases;
  },
  besides: /^cases\.json$/,
};
