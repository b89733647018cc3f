import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { underEachTarget } from '../testing/against-cpu.js';
import { adjointFaults, faultsOf, runFuzz } from '../testing/fuzz/check.js';
import { digestOf, drawProgram } from '../testing/fuzz/families.js';
import type { FuzzAnswer } from '../testing/fuzz/program.js';
import type { NativeBackend } from './backend.js';
import './index.js';

/** Seeds of programs and what TensorFlow says of them; scripts/fuzz.mjs writes the file. */
const recorded = JSON.parse(
  readFileSync(new URL('../testing/fuzz/recorded.json', import.meta.url), 'utf8'),
) as readonly { seed: number; digest: number; answer: FuzzAnswer }[];

beforeAll(() => {
  tf.setBackend('native');
  (tf.backend() as NativeBackend).pool.poison = true;
});

describe('random programs', () => {
  test('there are a few hundred, of all families, drawn as they were recorded', () => {
    expect(recorded.length).toBeGreaterThan(300);
    expect(new Set(recorded.map(({ seed }) => drawProgram(seed).family)).size).toBe(19);
    const slopes = recorded.flatMap(({ answer }) => answer.slopes ?? []);
    expect(slopes.filter((slope) => slope !== null).length).toBeGreaterThan(50);
    for (const { seed, digest } of recorded)
      expect([seed, digestOf(drawProgram(seed))]).toEqual([seed, digest]);
  });

  test("outputs and gradients are TensorFlow's, gradients finite differences and adjoint, nothing unwritten", () => {
    const faults: string[] = [];
    underEachTarget((target) => {
      for (const { seed, answer } of recorded) {
        const program = drawProgram(seed);
        const found = [...faultsOf(program, runFuzz(program), answer), ...adjointFaults(program)];
        for (const fault of found)
          faults.push(`${target}, seed ${seed}, ${program.steps.at(-1)?.kernel}: ${fault}`);
      }
    });
    expect(faults).toEqual([]);
  });
});
