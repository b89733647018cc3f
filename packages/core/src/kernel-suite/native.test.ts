import { expect, test } from '@jest/globals';
import { CPU_TARGETS, type CpuTarget, setTarget } from 'tfjs-backend-native';
import { describeNative } from '../../testing/backends.js';
import { KERNEL_NAMES } from './cases.js';
import { checkGradients, checkRefusals, checkValues, kernelsOf, lackingKernels } from './suite.js';

/** Runs under an instruction set and goes back; undefined where this machine does not have it. */
async function under<T>(target: CpuTarget, run: () => Promise<T>): Promise<T | undefined> {
  let before: CpuTarget;
  try {
    before = setTarget(target);
  } catch {
    return undefined;
  }
  try {
    return await run();
  } finally {
    setTarget(before);
  }
}

describeNative('the native backend keeps the contract', [], () => {
  test('it has every kernel', () => {
    expect(kernelsOf('native')).toEqual(KERNEL_NAMES);
    expect(lackingKernels('native')).toEqual([]);
  });

  test.each(KERNEL_NAMES)('%s: values under each instruction set', async (name) => {
    for (const target of CPU_TARGETS) {
      const problems = await under(target, () => checkValues('native', name));
      expect({ target, problems: problems ?? [] }).toEqual({ target, problems: [] });
    }
  });

  test.each(KERNEL_NAMES)('%s: wrong calls are refused', async (name) => {
    expect(await checkRefusals('native', name)).toEqual([]);
  });

  test.each(CPU_TARGETS)('gradients on %s, if this machine has it', async (target) => {
    expect((await under(target, () => checkGradients('native'))) ?? []).toEqual([]);
  });
});
