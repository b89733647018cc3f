import { readFileSync } from 'node:fs';
import { golden } from '@easel/conformance/golden';
import { expect, test } from '@jest/globals';
import { Processor } from './processor.js';
import { BpeTokenizer } from './tokenizer/bpe-tokenizer.js';

// The original's own rows: packages/conformance, kind `processor`.

const read = (file: string): string => readFileSync(golden(`tokenizer/full/${file}`), 'utf8');
const tokenizer = BpeTokenizer.fromFiles({ vocab: read('vocab.json'), merges: read('merges.txt') });
const processor = new Processor({ tokenizer, maxTextLength: 12 });

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
