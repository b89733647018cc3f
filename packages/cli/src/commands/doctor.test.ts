import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { findShippedModel } from '../model-folder.js';
import { formatProfile, profileKernels } from '../profile-kernels.js';
import { type DoctorReport, diagnose, formatDoctor, selfTest } from './doctor.js';

describe('doctor on the cpu backend', () => {
  let report: DoctorReport;
  beforeAll(async () => {
    report = await diagnose('cpu');
  });

  test('reports the backend asked for, and leaves it running', () => {
    expect(report.backend.name).toBe('cpu');
    expect(report.backend.reason).toContain('asked for by name');
    expect(tf.getBackend()).toBe('cpu');
  });

  test('tries every backend; a missing package is a reason with a remedy', () => {
    expect(report.backends.map(({ name }) => name)).toEqual([
      'native',
      'wasm',
      'cpu',
      'gpu',
      'tensorflow',
      'webgpu',
    ]);
    const { available, reason } = report.backends.find(({ name }) => name === 'tensorflow') ?? {};
    expect(available).toBe(false);
    expect(reason).toContain('npm install @tensorflow/tfjs-node');
  });

  test('machine and versions', () => {
    expect(report.node).toBe(process.version);
    expect(report.cores).toBeGreaterThanOrEqual(1);
    expect(report.memoryGiB.total).toBeGreaterThan(0);
    expect(report.sharp).toMatch(/^\d+\./);
  });

  test('as text: a line each, with verdicts', () => {
    const text = formatDoctor(report);
    expect(text).toMatch(/^Backend +cpu: asked for by name/m);
    expect(text).toMatch(/^ {2}tensorflow +does not run: /m);
    expect(text).toMatch(/^MPI +(\S.*, 1 rank|none, so one process trains alone: .* node .*install\.mjs)$/m);
    expect(text).toMatch(/^Self-test .* GFLOP\/s, right$/m);
    expect(formatDoctor({ ...report, model: null })).toContain(
      'none shipped here: give --model or set EASEL_MODEL',
    );
    expect(formatDoctor({ ...report, selfTest: { ...report.selfTest, ok: false, error: 0.25 } })).toContain(
      'WRONG by 2.5e-1',
    );
  });
});

test('selfTest leaves no tensors, and an error is float32 rounding', async () => {
  await tf.setBackend('cpu');
  const before = tf.memory().numTensors;
  const { size, ok, error, gflops } = await selfTest(40);
  expect([size, ok]).toEqual([40, true]);
  expect(error).toBeLessThan(1e-5);
  expect(gflops).toBeGreaterThan(0);
  expect(tf.memory().numTensors).toBe(before);
});

test('a backend that does not run, or that there is not', async () => {
  await expect(diagnose('tensorflow')).rejects.toThrow('does not run here');
  await expect(diagnose('wsam')).rejects.toThrow('got "wsam" by name');
});

test('--profile needs the native backend', async () => {
  await tf.setBackend('cpu');
  await expect(profileKernels('anywhere')).rejects.toThrow(
    'it counts kernels of the native backend, and "cpu" runs',
  );
});

test('--profile: drawing and training with the shipped model leave nothing large to JavaScript, and no tensors', async () => {
  const folder = findShippedModel();
  if (folder === undefined || !(await tf.setBackend('native').catch(() => false))) return;
  const before = tf.memory().numTensors;
  const profiles = await profileKernels(folder);
  expect(tf.memory().numTensors).toBe(before);
  expect(profiles.map(({ work }) => work.split(':')[0])).toEqual(['a picture', 'a training step of 4 rows']);
  for (const profile of profiles) {
    const run = (of: 'native' | 'cpu') => profile.kernels.reduce((sum, kernel) => sum + kernel[of], 0);
    expect(run('native')).toBeGreaterThan(1000);
    for (const { largestOnCpu } of profile.kernels) expect(largestOnCpu).toBeLessThan(4096);
    expect(formatProfile(profile)).toMatch(/^ {2}Linear +\d+ native$/m);
  }
}, 300_000);
