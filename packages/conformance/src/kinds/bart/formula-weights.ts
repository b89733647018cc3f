import { DalleBart, parseDalleBartConfig } from '@easel/bart';
import { bartParameters, type Parameter } from '@easel/bart/internals';
import * as tf from '@tensorflow/tfjs';
import { elementCount } from 'safetensors-ts';
import type { Tolerance } from '../../checks.js';
import { readJson } from '../../golden.js';
import type { Case } from '../../kind.js';
import { meanCrossEntropy } from './model-case.js';

interface Row {
  readonly change: Record<string, unknown>;
  readonly encoder_row_0: readonly number[];
  readonly logits_0_0_3: readonly number[];
  readonly logits_15_18_21: readonly number[];
  readonly loss: number;
}

const TOLERANCE: Tolerance = { absolute: 1e-4, reason: 'float32: two programs agree to 4e-5' };

/** `formula_weights.json`: models whose weights a formula gives, at one fixed input. */
export function formulaCases(file: string): Case[] {
  const { base, rows } = readJson<{ base: Record<string, unknown>; rows: Record<string, Row> }>(file);
  return Object.entries(rows).map(([name, row]) => ({
    name: `formula_weights, ${name}`,
    async run(checks) {
      const config = parseDalleBartConfig({ ...base, ...row.change }, file);
      const model = new DalleBart(config);
      try {
        fillByFormula(model);
        const results = tf.tidy(() => {
          const { imageVocabSize, imageLength, decoderStartTokenId } = config;
          const inputIds = tf.tensor2d([[0, 5, 6, 7, 2, 1, 1, 1]], [1, 8], 'int32');
          const attentionMask = tf.tensor2d([[1, 1, 1, 1, 1, 0, 0, 0]], [1, 8], 'int32');
          const labels = Int32Array.from({ length: imageLength }, (_, i) => (3 * i + 1) % imageVocabSize);
          const decoderInputIds = tf.tensor2d(
            Int32Array.from([decoderStartTokenId, ...labels.slice(0, -1)]),
            [1, imageLength],
            'int32',
          );
          const logits = model.logits({ inputIds, attentionMask, decoderInputIds });
          return [
            model.encode(inputIds, attentionMask),
            logits,
            meanCrossEntropy(logits, tf.tensor1d(labels, 'int32')),
          ];
        });
        const [encoded, logits, loss] = await Promise.all(results.map((tensor) => tensor.data()));
        tf.dispose(results);
        const at = 15 * (config.imageVocabSize + 1) + 18;
        checks.close('states', 'encoder', encoded?.slice(0, 4) ?? [], row.encoder_row_0, TOLERANCE);
        checks.close('logits', 'first', logits?.slice(0, 3) ?? [], row.logits_0_0_3, TOLERANCE);
        checks.close('logits', 'last', logits?.slice(at, at + 3) ?? [], row.logits_15_18_21, TOLERANCE);
        checks.close('loss', 'loss', loss ?? [], [row.loss], TOLERANCE);
      } finally {
        model.dispose();
      }
    },
  }));
}

/**
 * Fills a model by the formula. Element j of weight k, in the order of the original's sorted paths,
 * is 0.5·sin(0.37·(j+1) + 1.3·k); a scale is 1 + 0.2 times that. Stacked layers are one weight, so
 * j runs on through them.
 */
export function fillByFormula(model: DalleBart): void {
  const table = bartParameters(model.config);
  const path = (parameter: Parameter): string => [...parameter.place.path, parameter.leaf].join('.');
  const sorted = [...new Set(table.map(path))].sort();
  const weights = model.namedWeights();
  for (const parameter of table) {
    const k = sorted.indexOf(path(parameter));
    const size = elementCount(parameter.shape);
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
