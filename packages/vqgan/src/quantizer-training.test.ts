import { CheckpointError, normal, prngKey, ShapeError, uniform } from '@easel/core';
import { beforeAll, describe, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { FAST_BACKEND } from '../testing/backends.js';
import { largestDifference } from '../testing/golden-case.js';
import { CodebookTracker, codeUsage } from './quantizer-training.js';

beforeAll(async () => void (await tf.setBackend(FAST_BACKEND)));

/** Rows of length 1. */
function unitRows(values: number[][]): number[] {
  return values.flatMap((row) => row.map((value) => value / Math.hypot(...row)));
}

describe('moving averages', () => {
  test('norm l2 by hand: a code turns towards the latents that choose it', async () => {
    const codebook = tf.variable(tf.tensor2d([1, 0, 0, 1], [2, 2]));
    const tracker = await CodebookTracker.create(codebook, { norm: 'l2', decay: 0.5 });
    await tracker.update(Float32Array.of(0.6, 0.8, 0.6, 0.8), Int32Array.of(0, 0));
    // Sum of code 0: (1, 0)/2 + (1.2, 1.6)/2 = (1.1, 0.8). Code 1: nothing came, half of (0, 1)
    // keeps the direction.
    const expected = unitRows([
      [1.1, 0.8],
      [0, 1],
    ]);
    expect(largestDifference(codebook.dataSync(), expected)).toBeLessThan(1e-6);
    expect([...(tracker.state().get('use') as tf.Tensor).dataSync()]).toEqual([1.5, 0.5]);
    // Shares 3/4 and 1/4: exp(−(0.75 ln 0.75 + 0.25 ln 0.25)) = 1.7548
    expect(tracker.perplexity).toBeCloseTo(1.7548, 4);
  });

  test('refuses latents and codes of different numbers', async () => {
    const tracker = await CodebookTracker.create(tf.variable(tf.zeros([3, 2])), { norm: 'none' });
    await expect(tracker.update(new Float32Array(4), new Int32Array(3))).rejects.toThrow(ShapeError);
    await expect(tracker.update(new Float32Array(5), new Int32Array(2))).rejects.toThrow(ShapeError);
    await expect(tracker.update(new Float32Array(0), new Int32Array(0))).rejects.toThrow(ShapeError);
  });
});

describe('k-means start', () => {
  // Four tight clusters of 50 latents each around the points of a circle.
  const centres = unitRows([
    [1, 0.2],
    [-0.3, 1],
    [-1, -0.4],
    [0.5, -1],
  ]);
  const noise = normal(prngKey(7), [400]);
  const latents = Float32Array.from({ length: 400 }, (_, i) => {
    const row = Math.floor(i / 2) % 4;
    return (centres[2 * row + (i % 2)] as number) + 0.01 * (noise[i] as number);
  });

  /** Distance of each centre to the code nearest to it; the largest. */
  function largestGap(codes: ArrayLike<number>): number {
    return Math.max(
      ...[0, 1, 2, 3].map((centre) =>
        Math.min(
          ...Array.from({ length: codes.length / 2 }, (_, code) =>
            Math.hypot(
              (codes[2 * code] as number) - (centres[2 * centre] as number),
              (codes[2 * code + 1] as number) - (centres[2 * centre + 1] as number),
            ),
          ),
        ),
      ),
    );
  }

  test.each(['l2', 'none'] as const)('norm %s: a code sits in every cluster', async (norm) => {
    const codebook = tf.variable(tf.zeros([8, 2]));
    const tracker = await CodebookTracker.create(codebook, { norm });
    const before = tf.memory().numTensors;
    await tracker.startFromLatents(latents, prngKey(1), { rounds: 8 });
    expect(tf.memory().numTensors).toBe(before);
    const codes = codebook.dataSync();
    expect(largestGap(codes)).toBeLessThan(0.03);
    const lengths = Array.from({ length: 8 }, (_, i) =>
      Math.hypot(codes[2 * i] as number, codes[2 * i + 1] as number),
    );
    if (norm === 'l2') expect(largestDifference(lengths, new Array(8).fill(1))).toBeLessThan(0.04);
    expect([...(tracker.state().get('use') as tf.Tensor).dataSync()]).toEqual(new Array(8).fill(1));
  });

  test('the same key gives the same codes, another one others', async () => {
    const run = async (seed: number): Promise<number[]> => {
      const codebook = tf.variable(tf.zeros([8, 2]));
      await (await CodebookTracker.create(codebook, { norm: 'l2' })).startFromLatents(
        latents,
        prngKey(seed),
        {
          rounds: 2,
        },
      );
      return [...codebook.dataSync()];
    };
    expect(await run(1)).toEqual(await run(1));
    expect(await run(1)).not.toEqual(await run(2));
  });

  test('fewer latents than codes: every latent becomes a code', async () => {
    const codebook = tf.variable(tf.zeros([5, 2]));
    await (await CodebookTracker.create(codebook, { norm: 'l2' })).startFromLatents(
      Float32Array.of(1, 0, 0, 1),
      prngKey(1),
    );
    const rows = Array.from({ length: 5 }, (_, i) => `${codebook.dataSync().slice(2 * i, 2 * i + 2)}`);
    expect(new Set(rows)).toEqual(new Set(['1,0', '0,1']));
  });
});

describe('restartDead', () => {
  test('moves codes that nothing chooses onto latents, and only those', async () => {
    const codebook = tf.variable(tf.tensor2d([1, 0, 0, 1, -1, 0], [3, 2]));
    const tracker = await CodebookTracker.create(codebook, { norm: 'l2', decay: 0.5, restartBelow: 0.02 });
    const latents = Float32Array.from(
      unitRows([
        [1, 1],
        [1, 1],
        [1, 1],
      ]),
    );
    // Three latents an update on three codes: dead is below 0.02 · 3 / 3. Halved each time, 2^−6 <
    // 0.02.
    let restarted = 0;
    for (let step = 1; step <= 6; step++) {
      await tracker.update(latents, Int32Array.of(0, 0, 0));
      if (step < 6) expect(await tracker.restartDead(latents, prngKey(step))).toBe(0);
      else restarted = await tracker.restartDead(latents, prngKey(step));
    }
    expect(restarted).toBe(2);
    const codes = codebook.dataSync();
    expect(
      largestDifference(
        codes.slice(2),
        unitRows([
          [1, 1],
          [1, 1],
        ]),
      ),
    ).toBeLessThan(1e-6);
    expect(await tracker.restartDead(latents, prngKey(9))).toBe(0);
    expect([...(tracker.state().get('use') as tf.Tensor).dataSync()].slice(1)).toEqual([0.5, 0.5]);
  });
});

describe('codes that learn by gradient', () => {
  test('stay where they are; dead ones move onto latents, and are counted', async () => {
    const codebook = tf.variable(tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]));
    const tracker = await CodebookTracker.create(codebook, {
      norm: 'none',
      learning: 'gradient',
      decay: 0,
      restartBelow: 0.3,
    });
    const latents = Float32Array.of(7, 8, 7, 8);
    await tracker.update(latents, Int32Array.of(1, 1));
    expect([...codebook.dataSync()]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await tracker.restartDead(latents, prngKey(1))).toBe(2); // 0.3 · 2 latents / 3 codes: codes 0 and 2, chosen 0 times
    expect([...codebook.dataSync()]).toEqual([7, 8, 3, 4, 7, 8]);
    expect([...(tracker.state().get('use') as tf.Tensor).dataSync()]).toEqual([0.5, 2, 0.5]);
    expect([...tracker.state().keys()].sort()).toEqual(['restarts', 'use']);
    const other = await CodebookTracker.create(codebook, { norm: 'none', learning: 'gradient' });
    await other.loadState(tracker.state());
    expect(other.restarts).toBe(2);
    tracker.dispose();
    other.dispose();
  });

  test('norm l2: an update brings them back to length 1', async () => {
    const codebook = tf.variable(tf.tensor2d([3, 4, 0, 0.5], [2, 2]));
    const tracker = await CodebookTracker.create(codebook, { norm: 'l2', learning: 'gradient' });
    await tracker.update(Float32Array.of(1, 0), Int32Array.of(0));
    expect(largestDifference(codebook.dataSync(), [0.6, 0.8, 0, 1])).toBeLessThan(1e-6);
    tracker.dispose();
  });
});

describe('state', () => {
  test('a tracker that goes on from a state makes the same codes', async () => {
    const latents = uniform(prngKey(2), [12, 4]);
    const indices = Int32Array.from({ length: 12 }, (_, i) => (i * i) % 6);
    const first = tf.variable(tf.tensor2d(uniform(prngKey(3), [6, 4]), [6, 4]));
    const a = await CodebookTracker.create(first, { norm: 'none' });
    await a.update(latents, indices);
    const second = tf.variable(tf.zeros([6, 4]));
    const b = await CodebookTracker.create(second, { norm: 'none' });
    await b.loadState(a.state());
    await a.update(latents, indices);
    await b.update(latents, indices);
    expect([...second.dataSync()]).toEqual([...first.dataSync()]);
  });

  test('a state that does not fit is refused', async () => {
    const tracker = await CodebookTracker.create(tf.variable(tf.zeros([6, 4])), { norm: 'none' });
    await expect(tracker.loadState(new Map())).rejects.toThrow(CheckpointError);
    await expect(tracker.loadState(new Map([['use', tf.zeros([5])]]))).rejects.toThrow(
      /expected "use" of shape \[6\], found \[5\]/,
    );
  });
});

describe('codeUsage', () => {
  test('used codes, and an even spread over as many', () => {
    expect(codeUsage([3, 0, 3, 3, 0])).toEqual({ used: 3, perplexity: expect.closeTo(3, 10) });
    expect(codeUsage([0, 0])).toEqual({ used: 0, perplexity: 0 });
  });
});
