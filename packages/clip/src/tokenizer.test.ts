import { readFileSync } from 'node:fs';
import { SYMBOL_OF_BYTE } from '@easel/core/internals';
import { describe, expect, test } from '@jest/globals';
import { goldenPath } from '../testing/golden.js';
import { ClipTokenizer, clipTokenizerFiles } from './tokenizer.js';

interface Case {
  text: string;
  ids: number[];
  padded: number[];
  mask: number[];
}

const read = (file: string): string => readFileSync(goldenPath(`tokenizer/clip_tiny/${file}`), 'utf8');
const files = { vocab: read('vocab.json'), merges: read('merges.txt') };

/** What CLIPTokenizerFast.save_pretrained writes, of the same vocabulary. */
function tokenizerJson(change: Record<string, unknown> = {}): string {
  const vocab = JSON.parse(files.vocab) as Record<string, number>;
  return JSON.stringify({
    version: '1.0',
    added_tokens: ['<|startoftext|>', '<|endoftext|>'].map((content) => ({ id: vocab[content], content })),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Lowercase' },
      ],
    },
    pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Split' }, { type: 'ByteLevel' }] },
    model: {
      type: 'BPE',
      unk_token: '<|endoftext|>',
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      vocab,
      merges: files.merges.split('\n').slice(1, -1),
    },
    ...change,
  });
}

/** The files that we write of it. */
function rewritten() {
  const written = clipTokenizerFiles(ClipTokenizer.fromFiles(files));
  return {
    vocab: written.get('vocab.json'),
    merges: written.get('merges.txt'),
    specialTokensMap: written.get('special_tokens_map.json'),
    tokenizerConfig: written.get('tokenizer_config.json'),
  };
}

describe('CLIPTokenizerFast, a tiny vocabulary', () => {
  const cases = JSON.parse(read('cases.json')) as Case[];

  test.each([
    ['vocab.json and merges.txt', files],
    ['tokenizer.json', { tokenizerJson: tokenizerJson() }],
    ['the files that we write', rewritten()],
  ])('ids of every text, from %s', (_name, source) => {
    const tokenizer = ClipTokenizer.fromFiles(source);
    for (const { text, ids } of cases) expect([text, tokenizer.encode(text)]).toEqual([text, ids]);
  });

  test('rows of 12: padding and truncation', () => {
    const tokenizer = ClipTokenizer.fromFiles(files);
    const batch = tokenizer.encodeBatch(
      cases.map(({ text }) => text),
      { maxLength: 12 },
    );
    expect([...batch.inputIds]).toEqual(cases.flatMap(({ padded }) => padded));
    expect([...batch.attentionMask]).toEqual(cases.flatMap(({ mask }) => mask));
  });
});

// Bytes have ids 0 and 1 plain, 2 and 3 at a word's end; ab 4, ab</w> 5.
const VOCAB = '{"a":0,"b":1,"a</w>":2,"b</w>":3,"ab":4,"ab</w>":5,"<|startoftext|>":6,"<|endoftext|>":7}';
const MERGES = '#version: 0.2\na b\na b</w>\n';

describe('by hand', () => {
  const tokenizer = ClipTokenizer.fromFiles({ vocab: VOCAB, merges: MERGES });

  test('the end of a word is another symbol', () => {
    expect(tokenizer.encode('ab')).toEqual([6, 5, 7]); // a b</w>
    expect(tokenizer.encode('aba')).toEqual([6, 4, 2, 7]); // ab a</w>
    expect(tokenizer.encode(' A  b ')).toEqual([6, 2, 3, 7]);
  });

  test('an unknown byte is the unknown token, here the end', () => {
    expect(tokenizer.encode('axb')).toEqual([6, 0, 7, 3, 7]);
  });

  test('special tokens in a text, also in the middle of a word and in capitals', () => {
    expect(tokenizer.encode('a<|endoftext|>b<|STARTOFTEXT|>')).toEqual([6, 2, 7, 3, 6, 7]);
  });

  test('decode puts a space behind each word', () => {
    expect(tokenizer.decode(tokenizer.encode('ABA ab a'))).toBe('aba ab a');
    expect(() => tokenizer.decode([99])).toThrow('id 99 is not in the vocabulary');
  });

  test('special tokens may have other names and a pad of its own', () => {
    const vocab = VOCAB.replace('}', ',"!":8,"<end>":9}');
    const other = ClipTokenizer.fromFiles({
      vocab,
      merges: MERGES,
      specialTokensMap: '{"pad_token":"!","eos_token":{"content":"<end>","lstrip":false,"rstrip":false}}',
    });
    expect([...other.encodeBatch(['a'], { maxLength: 5 }).inputIds]).toEqual([6, 2, 9, 8, 8]);
  });

  test.each([
    [{}, 'expected vocab.json and merges.txt, or tokenizer.json'],
    [{ vocab: '[]', merges: '' }, 'vocab.json: expected an object'],
    [{ vocab: VOCAB, merges: 'a\n' }, 'merges.txt, line 1'],
    [{ vocab: VOCAB, merges: 'a c\n' }, 'needs the token "c"'],
    [{ vocab: '{"a":0}', merges: '' }, '"<|endoftext|>"'],
    [{ tokenizerJson: tokenizerJson({ normalizer: null }) }, 'expected "normalizer" to be "NFC, Replace'],
    [{ tokenizerJson: tokenizerJson({ pre_tokenizer: { type: 'ByteLevel' } }) }, 'got "ByteLevel"'],
    [{ tokenizerJson: tokenizerJson({ model: { type: 'Unigram' } }) }, 'of type "BPE", got "Unigram"'],
  ])('broken files %# are refused', (broken, message) => {
    expect(() => ClipTokenizer.fromFiles(broken)).toThrow(message);
  });
});

describe('with all bytes', () => {
  const symbols = [...SYMBOL_OF_BYTE, ...SYMBOL_OF_BYTE.map((symbol) => `${symbol}</w>`)];
  const tokens = [...symbols, '<|startoftext|>', '<|endoftext|>'];
  const all = new ClipTokenizer({ vocab: new Map(tokens.map((token, id) => [token, id])), merges: [] });

  test('characters younger than the tables of the original stand alone: no letters, capitals or composed marks', () => {
    const bytes = (text: string): number[] => all.encode(text).slice(1, -1);
    expect(bytes('x\u{13460}')).toEqual([...bytes('x'), ...bytes('\u{13460}')]); // a hieroglyph of Unicode 16
    expect(bytes('\u{1c89}')).not.toEqual(bytes('\u{1c8a}')); // a capital of Unicode 16 and its small letter
    expect(bytes('\u06d6\u08d0')).not.toEqual(bytes('\u08d0\u06d6')); // a mark of Unicode 14: not put in order
    expect(bytes('\u06d6\u08e3')).toEqual(bytes('\u08e3\u06d6')); // marks of Unicode 8 are
  });

  test('decode strips white space as Python does: U+001C to U+001F too, U+FEFF not', () => {
    const around = all.encode('\x1c\u0085a\x1f').slice(1, -1);
    expect(all.decode(around)).toBe('a');
    expect(all.decode(all.encode('\ufeffa'))).toBe('\ufeff a');
  });
});
