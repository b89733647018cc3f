import { expect, test } from '@jest/globals';
import { codesFor, seq2seqSettings, textLengthFor, vqganSettings } from './learn-settings.js';

test('codes are a power of two that the pictures fill; texts a multiple of eight tokens', () => {
  expect([1, 40, 110, 500, 1e6].map(codesFor)).toEqual([64, 64, 128, 512, 1024]);
  expect([3, 17, 24, 900].map(textLengthFor)).toEqual([16, 24, 24, 64]);
});

test('settings are whole for few and short, and for many and long', () => {
  for (const [pictures, steps] of [
    [3, 20],
    [1e6, 1e5],
  ] as const) {
    const vqgan = vqganSettings([{ path: 'p' }], { pictures, steps });
    expect(vqgan.data.order).toBe(pictures > 1e5 ? 'streamed' : 'permuted');
    expect(vqgan.batchSize).toBe(Math.min(8, pictures));
    expect(vqgan.codebook.startStep).toBeLessThan(steps / 4);
    const sizes = { rows: 5 * pictures, vocabulary: 300, textLength: 16, codes: codesFor(pictures), steps };
    const text = seq2seqSettings({ train: 't', tokenizer: 'k', vqgan: 'v' }, sizes);
    expect(text.schedule.warmupSteps).toBeLessThanOrEqual(steps / 10);
    expect(text.batchSize).toBe(Math.min(32, 5 * pictures));
  }
});
