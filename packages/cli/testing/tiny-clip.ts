import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Ids of its text tower. */
const VOCABULARY = 64;

/**
 * Writes a CLIP folder as transformers lays it out: the tiny PyTorch model of the recorded numbers
 * (random weights, 32 px, texts of 12 tokens) and a tokenizer of single letters. Its scores mean
 * nothing, but they differ.
 */
export function writeTinyClip(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of ['config.json', 'model.safetensors']) {
    const source = new URL(`../../../reference/golden/clip/quick_gelu/${name}`, import.meta.url);
    copyFileSync(fileURLToPath(source), join(folder, name));
  }
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  const tokens = [...letters, ...letters.map((letter) => `${letter}</w>`), ...'0123456789'];
  tokens.push('<|startoftext|>', '<|endoftext|>'); // the end has the highest id
  if (tokens.length !== VOCABULARY) throw new Error(`expected ${VOCABULARY} tokens, got ${tokens.length}`);
  writeFileSync(
    join(folder, 'vocab.json'),
    JSON.stringify(Object.fromEntries(tokens.map((token, id) => [token, id]))),
  );
  writeFileSync(join(folder, 'merges.txt'), '#version: 0.2\n');
}
