import { selectBackend } from '@easel/core';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { nativeStatus } from 'tfjs-backend-native';
import { findCases } from '../src/find-cases.js';
import { golden } from '../src/golden.js';
import { caseLines } from '../src/report.js';
import { runCase } from '../src/run.js';

jest.setTimeout(300_000); // a busy machine

/**
 * The runner's own cases of a folder of reference/golden as tests: those whose names match `only`
 * (default all) on native (cpu where the addon is not built), and those that match `portable` on
 * cpu and wasm too. A tensor that is read without being awaited fails, as it does on WebGPU.
 */
export async function conformanceSuite(
  folder: string,
  { portable, only = /^/ }: { portable?: RegExp; only?: RegExp } = {},
): Promise<void> {
  const all = (await findCases(golden(folder))).filter(({ name }) => only.test(name));
  const fast = nativeStatus().available ? 'native' : 'cpu';
  const backends = [fast, ...(portable ? ['cpu', 'wasm'].filter((name) => name !== fast) : [])];

  describe.each(backends)('on %s', (backend) => {
    beforeAll(async () => {
      await selectBackend(backend);
    });
    const cases = backend === fast ? all : all.filter(({ name }) => portable?.test(name));
    test.each(cases.map((found) => [found.name, found] as const))('%s', async (_name, found) => {
      const reads = jest.spyOn(tf.Tensor.prototype, 'dataSync').mockImplementation(() => {
        throw new Error('A tensor was read without being awaited.');
      });
      const result = await runCase(found);
      reads.mockRestore();
      expect(result.outcome === 'failed' ? caseLines(result) : []).toEqual([]);
    });
  });
}
