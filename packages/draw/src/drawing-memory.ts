import type { ImageTokenModel } from '@easel/bart';
import { ConfigError } from '@easel/core';
import { hasKernel } from '@easel/core/internals';
import { decodeBatchOf, decoderBytes } from '@easel/vqgan/internals';
import type { PictureParts } from './picture-parts.js';

/** Rows of a picture with super conditioning, which is the most that a slot takes. */
export const ROWS_OF_SLOT = 2;

/** Copies of a row's logits: the model's, those read, and those that rules have changed. */
const COPIES_OF_LOGITS = 4;

/** What is drawn at a time, at most. */
export interface DrawingSize {
  /** Number of pictures. */
  readonly slots: number;
  /** Number of beams of a beam search that goes on beside them (default 0). */
  readonly beams?: number;
}

/**
 * Predicts the bytes that drawing takes at most on the present backend, beside the weights: the
 * caches of all rows and texts, the logits, and the VQGAN's decoder.
 */
export function drawingBytes(parts: PictureParts, { slots, beams = 0 }: DrawingSize): number {
  return decodingBytes(parts) + slots * bytesOfSlot(parts) + beams * bytesOfRow(parts.text.model);
}

/** Returns the number of slots with which drawing fits into so many bytes; 0 if not even one does. */
export function slotsWithin(parts: PictureParts, bytes: number, beams = 0): number {
  const left = bytes - drawingBytes(parts, { slots: 0, beams });
  return Math.max(0, Math.floor(left / bytesOfSlot(parts)));
}

/** Throws ConfigError if drawing would not fit into so many bytes. `what` names the slots. */
export function checkMemory(parts: PictureParts, size: DrawingSize, bytes: number, what: string): void {
  const needed = drawingBytes(parts, size);
  if (needed <= bytes) return;
  const most = slotsWithin(parts, bytes, size.beams);
  const gigabytes = (count: number) => `${(count / 1e9).toPrecision(3)} GB`;
  const help =
    most > 0
      ? `Take at most ${most}.`
      : `Not even one fits${size.beams ? ` beside ${size.beams} beams` : ''}: free some memory.`;
  throw new ConfigError(
    `${what}: ${size.slots} pictures at a time need ${gigabytes(needed)} beside the model's weights, and there are ${gigabytes(bytes)}. ${help}`,
  );
}

function decodingBytes({ vqgan }: PictureParts): number {
  return decodeBatchOf(vqgan.config) * decoderBytes(vqgan.config, hasKernel('GroupNorm'));
}

function bytesOfSlot({ text }: PictureParts): number {
  return ROWS_OF_SLOT * bytesOfRow(text.model);
}

/** The bytes of a row with a text of its own. */
function bytesOfRow(model: ImageTokenModel): number {
  const { imageLength, maxTextLength, imageVocabSize } = model.config;
  const bytesOf = (rows: number): number => {
    const state = model.startDecoding({ rows, length: 1, texts: 1, textLength: 1 });
    const { bytes } = state;
    state.dispose();
    return bytes;
  };
  const place = bytesOf(2) - bytesOf(1);
  const textPlace = bytesOf(1) - place;
  // Without a kernel that writes in place, a step holds the old caches and the new ones.
  const copies = hasKernel('UpdateRows') ? 1 : 2;
  return (
    copies * imageLength * place + maxTextLength * textPlace + COPIES_OF_LOGITS * 4 * (imageVocabSize + 1)
  );
}
