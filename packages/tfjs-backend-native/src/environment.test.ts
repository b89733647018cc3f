import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { BlockPool } from './block-pool.js';
import './index.js';

jest.setTimeout(300_000);

const SOURCE = new URL('./index.ts', import.meta.url).href;

/** Imports the package's sources in a process with these variables. */
function importWith(
  variables: Record<string, string>,
  code = `const { nativeStatus } = await import(${JSON.stringify(SOURCE)}); console.log(nativeStatus().target)`,
) {
  const hooks = fileURLToPath(new URL('../scripts/typescript-hooks.mjs', import.meta.url));
  const { EASEL_CPU: _cpu, EASEL_THREADS: _threads, ...env } = process.env;
  return spawnSync(process.execPath, ['--import', hooks, '--input-type=module', '-e', code], {
    encoding: 'utf8',
    env: { ...env, ...variables },
  });
}

test('an instruction set is taken by either name, and one that is not there ends the import', () => {
  const [serial, older, absent, threads] = [
    importWith({ TFJS_NATIVE_CPU: 'serial' }),
    importWith({ EASEL_CPU: 'serial' }),
    importWith({ TFJS_NATIVE_CPU: 'altivec' }),
    importWith({ TFJS_NATIVE_THREADS: 'many' }),
  ];
  expect([serial.stdout.trim(), older.stdout.trim()]).toEqual(['serial', 'serial']);
  expect(absent.status).not.toBe(0);
  expect(absent.stderr).toMatch(/TFJS_NATIVE_CPU is altivec; this machine runs serial/);
  expect(threads.stderr).toMatch(/TFJS_NATIVE_THREADS is many; expected a number from 1 to 256/);
});

test('without the addon an import says so once, in one line with the remedy, and tfjs goes on', () => {
  const code = `
    import { createRequire } from 'node:module';
    const tf = createRequire(${JSON.stringify(SOURCE)})('@tensorflow/tfjs');
    const { nativeStatus } = await import(${JSON.stringify(SOURCE)});
    await import(${JSON.stringify(`${SOURCE}?again.ts`)}); // evaluated anew, as a second copy of the package would be
    tf.env().set('IS_TEST', true); // else tfjs advertises tfjs-node on stderr
    await tf.ready();
    console.log(JSON.stringify([nativeStatus().available, tf.getBackend(), tf.add(1, 2).dataSync()[0]]));`;
  const { stdout, stderr, status } = importWith({ TFJS_NATIVE_ADDON: '/nowhere' }, code);
  expect(stderr).toMatch(
    /^tfjs-backend-native: the native addon did not load \(.+\); build it with: npm rebuild tfjs-backend-native\n$/,
  );
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual([false, 'cpu', 3]);
});

test('an array of tensors in place of a tensor gives NaN, as on cpu, and a warning that names the kernel', () => {
  tf.setBackend('native');
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  try {
    const x = tf.tensor1d([1, 2, 3]);
    const wrong = () => tf.add(x, [tf.tensor1d([4, 5, 6])] as unknown as tf.Tensor);
    expect([...wrong().dataSync(), ...wrong().dataSync()].every(Number.isNaN)).toBe(true);
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/Add: b \[[\d,]+\] has \d values instead of/)]]);
  } finally {
    warn.mockRestore();
  }
});

test('free blocks go back when no block was taken for a while, but for what the last minute used', () => {
  jest.useFakeTimers();
  try {
    const pool = new BlockPool();
    const blocks = [1 << 20, 3 << 20].map((bytes) => pool.find(pool.takeFloats(bytes / 4)));
    for (const block of blocks) if (block !== undefined) pool.release(Object.assign(block, { refs: 1 }));
    const free = pool.usage().poolBytes;
    expect(free).toBe(4 << 20);
    jest.advanceTimersByTime(30_000);
    expect(pool.usage().poolBytes).toBe(free);
    jest.advanceTimersByTime(60_000);
    expect(pool.usage().poolBytes).toBe(0);
    expect(jest.getTimerCount()).toBe(0);
  } finally {
    jest.useRealTimers();
  }
});
