import { readFileSync } from 'node:fs';
import { golden as recorded } from '@easel/conformance/golden';
import { describe, expect, test } from '@jest/globals';
import { BpeTokenizer } from './bpe-tokenizer.js';
import { tokenizerFiles } from './files.js';

const golden = (file: string): string => readFileSync(recorded(`tokenizer/full/${file}`), 'utf8');

// The original's own ids: packages/conformance, kind `tokenizer`.

test('merges.txt is written as it was read', () => {
  const tokenizer = BpeTokenizer.fromFiles({ vocab: golden('vocab.json'), merges: golden('merges.txt') });
  const written = tokenizerFiles(tokenizer);
  expect(written.get('merges.txt')).toBe(golden('merges.txt'));
  expect(JSON.parse(written.get('vocab.json') as string)).toEqual(JSON.parse(golden('vocab.json')));
});

// <s> 0, <pad> 1, </s> 2, a 3, b 4, ab 5, aba 6, abab 7
const VOCAB = '{"<s>":0,"<pad>":1,"</s>":2,"a":3,"b":4,"ab":5,"aba":6,"abab":7}';
const MERGES = '#version: 0.2\na b\nab a\nab ab\n';

describe('by hand', () => {
  const tokenizer = BpeTokenizer.fromFiles({ vocab: VOCAB, merges: MERGES });

  test('the lowest rank is joined first, leftmost first', () => {
    // a b a b b: a b is joined twice (ab ab b), then "ab a" does not occur, then ab ab.
    expect(tokenizer.encode('ababb')).toEqual([0, 7, 4, 2]);
    // a b a: ab a, then aba.
    expect(tokenizer.encode('aba')).toEqual([0, 6, 2]);
  });

  test('a byte without an entry vanishes, and its neighbours join', () => {
    expect(tokenizer.encode('a!b')).toEqual([0, 3, 4, 2]); // "!" is a word of its own
    expect(tokenizer.encode('axb')).toEqual([0, 5, 2]);
  });

  test('the unknown token of tokenizer.json takes the place of such a byte', () => {
    const withUnknown = new BpeTokenizer({ vocab: tokenizer.vocab, merges: tokenizer.merges, unknown: 'b' });
    expect(withUnknown.encode('axa')).toEqual([0, 6, 2]);
  });

  test('lower case and prefix space', () => {
    const vocab = new Map([...tokenizer.vocab, ['Ġ', 8] as const]);
    const t = new BpeTokenizer({ vocab, merges: tokenizer.merges, lowerCase: true, addPrefixSpace: true });
    expect(t.encode('AB')).toEqual([0, 8, 5, 2]);
    expect(t.encode('')).toEqual([0, 2]);
    expect(t.encode(' ab')).toEqual(t.encode('ab'));
  });

  test('rstrip takes the white space to the right', () => {
    const vocab = new Map([...tokenizer.vocab, ['<unk>', 8] as const, ['Ġ', 9] as const]);
    const specials = { ...tokenizer.specials, unk: { content: '<unk>', lstrip: false, rstrip: true } };
    const t = new BpeTokenizer({ vocab, merges: [], specials });
    expect(t.encode('a <unk> \u0085 a')).toEqual([0, 3, 9, 8, 3, 2]);
  });

  test('a word of 200,000 letters takes no quadratic time', () => {
    const before = process.cpuUsage(); // of this process, whatever else runs
    expect(tokenizer.encode('ab'.repeat(100_000))).toHaveLength(50_002);
    expect(process.cpuUsage(before).user).toBeLessThan(5e6);
  });

  test('rows of 2 hold <s> and </s>', () => {
    expect([...tokenizer.encodeBatch(['aba b', ''], { maxLength: 2 }).inputIds]).toEqual([0, 2, 0, 2]);
  });
});

describe('bad input', () => {
  const tokenizer = BpeTokenizer.fromFiles({ vocab: VOCAB, merges: MERGES });

  test.each([
    [{ vocab: '{', merges: MERGES }, /vocab\.json: not JSON/],
    [{ vocab: '[]', merges: MERGES }, /vocab\.json: expected an object/],
    [{ vocab: '{"a":-1}', merges: MERGES }, /vocab\.json: expected the id of "a"/],
    [{ vocab: '{"a":2000000000}', merges: MERGES }, /vocab\.json: expected the id of "a"/],
    [{ vocab: '{"a":0,"b":0}', merges: MERGES }, /id 0 belongs to both "a" and "b"/],
    [{ vocab: '{"a":0}', merges: '' }, /special token bos needs the token "<s>"/],
    [{ vocab: VOCAB, merges: 'a b c' }, /merges\.txt, line 1: expected two tokens/],
    [{ vocab: VOCAB, merges: 'a c' }, /merge 1 \("a c"\) needs the token "c"/],
    [{ vocab: VOCAB }, /expected vocab\.json and merges\.txt, or tokenizer\.json/],
    [{ tokenizerJson: '{"model":{"type":"Unigram"}}' }, /"model" of type "BPE", got "Unigram"/],
    [
      { tokenizerJson: '{"model":{"type":"BPE","vocab":{},"merges":[]}}' },
      /"pre_tokenizer" of type "ByteLevel"/,
    ],
    [
      { vocab: VOCAB, merges: MERGES, tokenizerConfig: '{"add_prefix_space":1}' },
      /add_prefix_space to be true or false/,
    ],
    [
      { vocab: VOCAB, merges: MERGES, specialTokensMap: '{"bos_token":3}' },
      /special_tokens_map\.json, bos_token: expected a string/,
    ],
  ])('%j', (files, message) => {
    expect(() => BpeTokenizer.fromFiles(files)).toThrow(message);
  });

  test('lengths and ids out of range', () => {
    expect(() => tokenizer.encodeBatch(['a'], { maxLength: 1 })).toThrow(/at least 2/);
    expect(() => tokenizer.decode([3, 99])).toThrow(/id 99 is not in the vocabulary/);
    expect(() => tokenizer.decode([-1])).toThrow(/id -1/);
  });
});
