import type { DrawingRequest } from '../drawing/drawer.js';

const LONGEST = 60;

/** The name of a picture's file: its prompt's letters and digits, its seed and its number. */
export function pictureName({ prompt, seed }: DrawingRequest, index: number): string {
  const words =
    prompt
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu) ?? [];
  const slug = [...words.join('-')].slice(0, LONGEST).join('').replace(/-$/, '');
  return `${slug || 'picture'}-${seed}-${index}.png`;
}
