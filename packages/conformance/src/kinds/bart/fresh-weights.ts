import { basename } from 'node:path';
import {
  DalleBart,
  type DalleBartConfig,
  FirstVersionBart,
  initializeDalleBart,
  initializeFirstVersion,
  parseDalleBartConfig,
  parseFirstVersionConfig,
} from '@easel/bart';
import { bartParameters, firstVersionParameters, type Parameter } from '@easel/bart/internals';
import { prngKey } from '@easel/core';
import type * as tf from '@tensorflow/tfjs';
import type { Checks, Tolerance } from '../../checks.js';
import { GoldenArrays, readJson } from '../../golden.js';
import type { Case, GoldenFolder } from '../../kind.js';
import { flaxName, flaxShapes, partOf } from './flax-names.js';

/**
 * The draw is rounded twice, after initStd and after the gain. Our erf_inv follows XLA's to 3 ulp.
 */
const EXACT: Tolerance = { absolute: 1e-7, relative: 4e-7, reason: 'the same draws; up to 3 ulp of erf_inv' };

/**
 * `exact_*.safetensors`: the parameters of a tiny model for a seed. Config and seed are in the
 * header.
 */
export function freshWeightsCase(folder: GoldenFolder, file: string): Case {
  return {
    name: file.replace('.safetensors', ''),
    async run(checks) {
      const expected = new GoldenArrays(folder.file(file));
      const config = parseDalleBartConfig(expected.setting('config'), file);
      const seed = expected.setting<number>('seed') ?? 0;
      const weights = await freshValues(config, seed);
      const table = bartParameters(config);
      for (const weight of table) {
        const wanted = partOf(expected.floats(flaxName(weight)), weight);
        checks.close('fresh weights', weight.name, weights.get(weight.name) as Float32Array, wanted, EXACT);
      }
      const shapes = flaxShapes(table);
      const theirs = Object.fromEntries(expected.names.map((name) => [name, expected.shape(name)]));
      checks.equal('weights', 'names and shapes', sorted(Object.fromEntries(shapes)), sorted(theirs));
    },
  };
}

interface Statistics {
  readonly shape: readonly number[];
  readonly mean: number;
  readonly std: number;
  readonly min?: number;
  readonly max?: number;
}

/**
 * `statistics.json`: mean and spread of every parameter of medium models. The seed is not in the
 * file.
 */
export function statisticsCases(file: string): Case[] {
  const models =
    readJson<Record<string, { config: Record<string, unknown>; parameters: Record<string, Statistics> }>>(
      file,
    );
  return Object.entries(models).map(([name, { config: json, parameters: expected }]) => ({
    name: `statistics ${name}`,
    async run(checks: Checks) {
      const config = parseDalleBartConfig(json, basename(file));
      checkStatistics(checks, bartParameters(config), await freshValues(config, 0), expected);
    },
  }));
}

/**
 * `statistics_v1.json`: the same for the first version. Its config is not in the file, so the
 * shapes tell the sizes.
 */
export function statisticsCaseV1(file: string): Case {
  return {
    name: 'statistics of the first version',
    async run(checks) {
      const expected = readJson<Record<string, Statistics>>(file);
      const model = new FirstVersionBart(firstVersionOfShapes(expected));
      initializeFirstVersion(model, prngKey(0));
      const values = await read(model.namedWeights());
      const table = firstVersionParameters(model.config);
      model.dispose();
      checkStatistics(checks, table, values, expected);
    },
  };
}

function firstVersionOfShapes(expected: Record<string, Statistics>) {
  const shape = (name: string): readonly number[] => (expected[name] as Statistics).shape;
  const [vocabulary, width] = shape('model/shared/embedding') as [number, number];
  const layers = (stack: string): number =>
    Object.keys(expected).filter((name) => new RegExp(`^model/${stack}/layers/\\d+/fc1/bias$`).test(name))
      .length;
  const sizes = (stack: string): Record<string, number> => ({
    [`${stack}_layers`]: layers(stack),
    [`${stack}_ffn_dim`]: shape(`model/${stack}/layers/0/fc1/bias`)[0] as number,
    [`${stack}_attention_heads`]: 4, // it does not matter for shapes
  });
  const positions = (stack: string): number =>
    (shape(`model/${stack}/embed_positions/embedding`)[0] as number) - 2;
  return parseFirstVersionConfig(
    {
      d_model: width,
      vocab_size: vocabulary,
      vocab_size_output: shape('lm_head/kernel')[1],
      max_position_embeddings: positions('encoder'),
      max_position_embeddings_decoder: positions('decoder'),
      ...sizes('encoder'),
    },
    'statistics_v1.json',
    { d_model: width, ...sizes('decoder') },
  );
}

/**
 * Compares mean and spread of each parameter. Stacked layers are one parameter. Two samples of one
 * distribution differ by the sampling error; five times that error passes.
 */
function checkStatistics(
  checks: Checks,
  table: readonly Parameter[],
  values: ReadonlyMap<string, Float32Array>,
  expected: Record<string, Statistics>,
): void {
  const ours = new Map<string, Float32Array[]>();
  for (const weight of table) {
    const name = flaxName(weight);
    ours.set(name, [...(ours.get(name) ?? []), values.get(weight.name) as Float32Array]);
  }
  checks.equal('weights', 'names', [...ours.keys()].sort(), Object.keys(expected).sort());
  const shapes = flaxShapes(table);
  for (const [name, parts] of ours) {
    const wanted = expected[name];
    if (!wanted) continue;
    checks.equal('weights', name, shapes.get(name), wanted.shape);
    const { mean, std, count } = momentsOf(parts);
    const reason = 'draws of another seed: five times what two samples differ by';
    const spread = (5 * Math.SQRT2 * wanted.std) / Math.sqrt(count);
    checks.close('means', name, [mean], [wanted.mean], { absolute: spread, reason });
    checks.close('deviations', name, [std], [wanted.std], { absolute: spread / Math.SQRT2, reason });
  }
}

function momentsOf(parts: readonly Float32Array[]): { mean: number; std: number; count: number } {
  let [sum, squares, count] = [0, 0, 0];
  for (const part of parts) {
    for (const value of part) {
      sum += value;
      squares += value * value;
    }
    count += part.length;
  }
  const mean = sum / count;
  return { mean, std: Math.sqrt(Math.max(0, squares / count - mean * mean)), count };
}

async function freshValues(config: DalleBartConfig, seed: number): Promise<Map<string, Float32Array>> {
  const model = new DalleBart(config);
  initializeDalleBart(model, prngKey(seed));
  const values = await read(model.namedWeights());
  model.dispose();
  return values;
}

async function read(weights: ReadonlyMap<string, tf.Variable>): Promise<Map<string, Float32Array>> {
  const values = new Map<string, Float32Array>();
  for (const [name, weight] of weights) values.set(name, Float32Array.from(await weight.data()));
  return values;
}

function sorted<T>(entries: Record<string, T>): [string, T][] {
  return Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1));
}
