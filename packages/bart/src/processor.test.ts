import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { GoldenArrays } from '../testing/golden-case.js';
import { parseDalleBartConfig } from './config.js';
import { parseWordFrequencies } from './normalizer/hashtags.js';
import { TextNormalizer } from './normalizer/text-normalizer.js';
import { Processor } from './processor.js';
import { BpeTokenizer } from './tokenizer/bpe-tokenizer.js';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const wordFrequencies = parseWordFrequencies(
  read('../../../reference/golden/normalizer/enwiki-words-frequency.txt'),
);

function processorOf(folder: string): Processor {
  const config = parseDalleBartConfig(
    JSON.parse(read(`../../../reference/golden/processor/${folder}/config.json`)),
  );
  const tokenizer = folder === 'ascii_normalized' ? 'ascii' : 'full';
  return new Processor({
    tokenizer: BpeTokenizer.fromFiles({
      vocab: read(`../../../reference/golden/tokenizer/${tokenizer}/vocab.json`),
      merges: read(`../../../reference/golden/tokenizer/${tokenizer}/merges.txt`),
    }),
    normalizer: config.normalizeText
      ? new TextNormalizer({ wordFrequencies, random: () => 0.9999 })
      : undefined,
    maxTextLength: config.maxTextLength,
  });
}

describe.each(['normalized', 'raw', 'ascii_normalized', 'short'])('DalleBartProcessor, %s', (folder) => {
  const io = new GoldenArrays(
    new URL(`../../../reference/golden/processor/${folder}/io.safetensors`, import.meta.url),
  );
  const prompts = JSON.parse(read(`../../../reference/golden/processor/${folder}/prompts.json`)) as string[];
  const processor = processorOf(folder);

  test.each([
    ['batch', prompts],
    ['one', prompts.slice(0, 1)],
  ])('%s', (name, texts) => {
    const got = processor.process(texts);
    expect([got.rows, got.length]).toEqual(io.shape(`${name}.input_ids`));
    expect([...got.inputIds]).toEqual([...io.ints(`${name}.input_ids`)]);
    expect([...got.attentionMask]).toEqual([...io.ints(`${name}.attention_mask`)]);
    expect([...got.uncondInputIds]).toEqual([...io.ints(`${name}.input_ids_uncond`)]);
    expect([...got.uncondAttentionMask]).toEqual([...io.ints(`${name}.attention_mask_uncond`)]);
  });

  test('refuses a bare string, an empty list and what is no text', () => {
    expect(() => processor.process('a cat' as unknown as string[])).toThrow(/expected a list of strings/);
    expect(() => processor.process([3] as unknown as string[])).toThrow(/expected a list of strings/);
    expect(() => processor.process([])).toThrow(/at least one prompt/);
  });

  test('10,000 words are cut', () => {
    const got = processor.process(['word '.repeat(10_000)]);
    expect(got.inputIds).toHaveLength(got.length);
    expect(got.inputIds.at(-1)).toBe(2);
  });
});
