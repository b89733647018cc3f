import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { BpeTokenizer } from './bpe-tokenizer.js';
import { tokenizerFiles } from './files.js';
import { trainBpe } from './train-bpe.js';

/**
 * The captions that the golden vocabulary `full` was learnt from, by huggingface/tokenizers 0.13.3.
 */
function* corpus(): Generator<string> {
  const things =
    'cat dog fox sunset mountain lake tower moon armchair avocado bowl house painting photo robot river forest castle bird flower car city street tree'.split(
      ' ',
    );
  const looks =
    'red blue old new small big dark bright beautiful wooden golden futuristic surreal the a an his her'.split(
      ' ',
    );
  const styles = [
    'in the style of Claude Monet',
    'on the moon',
    'at sunrise',
    'in the mountains',
    'trending on artstation',
    'with a hat',
    "don't you think",
    "it's here",
    '1920s photograph',
    '4k, highly detailed',
    'by the sea',
  ];
  for (const look of looks)
    for (const thing of things)
      for (const style of styles) {
        yield `${look} ${thing} ${style}`;
        yield `A ${look} ${thing}, and another ${thing}!`;
      }
  const rare = ['café naïve façade', 'Привет, мир', '北京 東京', '😀 😀 😀', 'hello world  double   spaces'];
  for (let i = 0; i < 40; i++) yield* rare;
}

describe('trainBpe', () => {
  test('learns the merges that huggingface/tokenizers learns', () => {
    const golden = (file: string): string =>
      readFileSync(new URL(`../../../../reference/golden/tokenizer/full/${file}`, import.meta.url), 'utf8');
    const trained = trainBpe(corpus(), { vocabSize: 700, minFrequency: 1 });
    const files = tokenizerFiles(new BpeTokenizer(trained));
    expect(files.get('merges.txt')).toBe(golden('merges.txt'));
    expect(JSON.parse(files.get('vocab.json') as string)).toEqual(JSON.parse(golden('vocab.json')));
  });

  test('joins the most frequent pair, lowest ids on a tie', () => {
    // ab 3 times, bc 2, cd 2 → ab; then abc 2 and cd 2: "c d" has the lower first id → c d, then ab
    // cd.
    const { merges, vocab } = trainBpe(['ab', 'abcd', 'abcd'], { vocabSize: 264 });
    expect(merges).toEqual([
      ['a', 'b'],
      ['c', 'd'],
      ['ab', 'cd'],
    ]);
    expect([vocab.get('<s>'), vocab.get('<pad>'), vocab.get('</s>'), vocab.get('<unk>')]).toEqual([
      0, 1, 2, 3,
    ]);
    expect(vocab.get('<mask>')).toBe(4);
    expect(vocab.get('abcd')).toBe(263);
    expect(vocab.size).toBe(264);
  });

  test('does not depend on the order of the texts', () => {
    const texts = [...corpus()].slice(0, 500);
    const forward = trainBpe(texts, { vocabSize: 400 });
    const backward = trainBpe([...texts].reverse(), { vocabSize: 400 });
    expect(backward.merges).toEqual(forward.merges);
  });

  test('stops at the least frequency and without pairs', () => {
    expect(trainBpe(['ab', 'ab', 'cd'], { vocabSize: 1000 }).merges).toEqual([['a', 'b']]);
    expect(trainBpe(['ab', 'ab', 'cd'], { vocabSize: 1000, minFrequency: 3 }).merges).toEqual([]);
    expect(trainBpe([], { vocabSize: 1000 }).vocab.size).toBe(261);
  });

  test('lower case and prefix space go into the tokenizer', () => {
    const trained = trainBpe(['Cat', 'cat', 'CAT'], {
      vocabSize: 264,
      lowerCase: true,
      addPrefixSpace: true,
    });
    const tokenizer = new BpeTokenizer(trained);
    expect(tokenizer.encode('CAT')).toHaveLength(3);
    expect(tokenizer.decode(tokenizer.encode('CAT'))).toBe(' cat');
  });

  test('a repeated letter: overlapping pairs count once where they can be joined once', () => {
    const tokenizer = new BpeTokenizer(trainBpe(['aaaaa', 'aaaaa'], { vocabSize: 264 }));
    expect(tokenizer.decode(tokenizer.encode('aaaaa'))).toBe('aaaaa');
    expect(tokenizer.encode('aaaaa')).toHaveLength(3);
  });

  test('refuses a vocabulary without room for the bytes', () => {
    expect(() => trainBpe(['a'], { vocabSize: 260 })).toThrow(/at least 261/);
    expect(() => trainBpe(['a'], { vocabSize: 300, minFrequency: 0 })).toThrow(/minFrequency/);
  });
});
