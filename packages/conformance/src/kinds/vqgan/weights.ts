import { readFileSync } from 'node:fs';
import { fromSafetensors, loadWeights } from '@easel/core';
import { fromMsgpack } from '@easel/core/node';
import { vqganReading } from '@easel/vqgan/internals';
import type * as tf from '@tensorflow/tfjs';
import { EQUAL } from '../../checks.js';
import { GoldenArrays } from '../../golden.js';
import type { Case, GoldenFolder } from '../../kind.js';
import { flaxWeight } from '../vqgan_loss/weights.js';
import { emptyModel, flaxPath, seedOf, withVqgan } from './open-model.js';

/**
 * `weights_check.safetensors`: names, number and some values of the weights, which a formula gives.
 */
export function formulaCase(folder: GoldenFolder, file: string): Case {
  return {
    name: 'weights',
    run(checks) {
      const check = new GoldenArrays(folder.file(file));
      const seed = seedOf(folder);
      const model = emptyModel(folder);
      const shapes = [...model.namedWeights()].map(([name, { shape }]) => [flaxPath(name), shape] as const);
      model.dispose();
      checks.equal('names', file, shapes.map(([path]) => path).sort(), [...check.names].sort());
      let total = 0;
      for (const [path, shape] of shapes) {
        const values = flaxWeight(path, shape, seed);
        total += values.length;
        const step = Math.max(1, Math.ceil(values.length / 3));
        const sampled = values.filter((_, i) => i % step === 0);
        if (check.has(path)) checks.close('values', path, sampled, check.floats(path), EQUAL);
      }
      checks.equal('number of parameters', file, total, check.setting('total'));
    },
  };
}

/**
 * A checkpoint that an original wrote, under Flax's or taming's names. It must give the weights of
 * the formula.
 */
export function checkpointCase(folder: GoldenFolder, file: string): Case {
  return {
    name: file,
    run: (checks) =>
      withVqgan(folder, async (byFormula) => {
        const bytes = readFileSync(folder.file(file));
        const source = file.endsWith('.msgpack') ? fromMsgpack(bytes, file) : fromSafetensors(bytes, file);
        const model = emptyModel(folder);
        const weights = model.namedWeights();
        const reading = vqganReading(source.entries.keys());
        await loadWeights(weights, source, reading.rules(weights.keys()), { ignore: reading.ignore });
        for (const [name, weight] of weights) {
          const expected = byFormula.namedWeights().get(name) as tf.Variable;
          checks.close('weights', name, await weight.data(), await expected.data(), EQUAL);
        }
        model.dispose();
      }),
  };
}
