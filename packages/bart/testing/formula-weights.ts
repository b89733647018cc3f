import * as tf from '@tensorflow/tfjs';
import type { DalleBart } from '../src/model.js';
import { type Parameter, parameters } from '../src/parameters.js';

/**
 * Weight k of the original's sorted paths, element j: 0.5·sin(0.37·(j+1) + 1.3·k); scales 1 + 0.2 times that. Stacked
 * layers are one weight, so j runs on through them.
 */
export function fillByFormula(model: DalleBart): void {
  const table = parameters(model.config);
  const path = (parameter: Parameter): string => [...parameter.place.path, parameter.leaf].join('.');
  const sorted = [...new Set(table.map(path))].sort();
  const weights = model.namedWeights();
  for (const parameter of table) {
    const k = sorted.indexOf(path(parameter));
    const size = parameter.shape.reduce((a, b) => a * b, 1);
    const first = (parameter.place.stacked?.index ?? 0) * size;
    const values = Float32Array.from({ length: size }, (_, i) => {
      const v = 0.5 * Math.sin(0.37 * (first + i + 1) + 1.3 * k);
      return parameter.leaf.endsWith('scale') ? 1 + 0.2 * v : v;
    });
    const tensor = tf.tensor(values, [...parameter.shape]);
    (weights.get(parameter.name) as tf.Variable).assign(tensor);
    tensor.dispose();
  }
}
