import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BpeTokenizer, Processor, parseDalleBartConfig, TextNormalizer } from '@easel/bart';
import { parseWordFrequencies } from '@easel/bart/internals';
import type { Checks } from '../checks.js';
import { GoldenArrays, golden, readJson } from '../golden.js';
import type { Case, GoldenFolder, Kind } from '../kind.js';

const WORDS = 'enwiki-words-frequency.txt';

/**
 * Compares ids and masks of prompts and of "no prompt". The folder is a model folder without a
 * model.
 */
export const kind: Kind = {
  cases(folder: GoldenFolder): Case[] {
    if (!folder.has('prompts.json', 'io.safetensors', 'config.json')) return [];
    return [{ name: '', run: (checks) => checkProcessor(checks, folder) }];
  },
};

function checkProcessor(checks: Checks, folder: GoldenFolder): void {
  const processor = processorOf(folder);
  const io = new GoldenArrays(folder.file('io.safetensors'));
  const prompts = readJson<string[]>(folder.file('prompts.json'));
  for (const [name, texts] of [
    ['batch', prompts],
    ['one', prompts.slice(0, 1)],
  ] as const) {
    const got = processor.process(texts);
    checks.equal('shapes', name, [got.rows, got.length], io.shape(`${name}.input_ids`));
    for (const [array, values] of [
      ['input_ids', got.inputIds],
      ['attention_mask', got.attentionMask],
      ['input_ids_uncond', got.uncondInputIds],
      ['attention_mask_uncond', got.uncondAttentionMask],
    ] as const) {
      checks.equal('ids', `${name}.${array}`, values, io.ints(`${name}.${array}`));
    }
  }
}

function processorOf(folder: GoldenFolder): Processor {
  const config = parseDalleBartConfig(readJson(folder.file('config.json')), folder.file('config.json'));
  const text = (file: string): string | undefined =>
    folder.has(file) ? readFileSync(folder.file(file), 'utf8') : undefined;
  const tokenizer = BpeTokenizer.fromFiles({
    vocab: text('vocab.json'),
    merges: text('merges.txt'),
    tokenizerJson: text('tokenizer.json'),
    specialTokensMap: text('special_tokens_map.json'),
    tokenizerConfig: text('tokenizer_config.json'),
  });
  const wordFrequencies = parseWordFrequencies(readFileSync(wordList(folder), 'utf8'));
  // The original draws `<person>` at random. No recorded prompt has a `<person>` that stands alone.
  const normalizer = config.normalizeText
    ? new TextNormalizer({ wordFrequencies, random: () => 0 })
    : undefined;
  return new Processor({ tokenizer, normalizer, maxTextLength: config.maxTextLength });
}

/**
 * Returns the path of the word list, which the folders don't contain: the normalizer's list beside
 * the folder's kind, else our own copy.
 */
function wordList(folder: GoldenFolder): string {
  const beside = join(dirname(dirname(folder.path)), 'normalizer', WORDS);
  return existsSync(beside) ? beside : golden(`normalizer/${WORDS}`);
}
