import { promptSlug } from '@easel/draw/internals';
import type { DrawingRequest } from '../drawing/drawer.js';

/** The name of a picture's file: its prompt's letters and digits, its seed and its number. */
export function pictureName({ prompt, seed }: DrawingRequest, index: number): string {
  return `${promptSlug(prompt) || 'picture'}-${seed}-${index}.png`;
}
