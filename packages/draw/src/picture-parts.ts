import type { ImageTokenModel, Processor } from '@easel/bart';
import type { PictureSize } from '@easel/core';
import type { Vqgan } from '@easel/vqgan';
import type { GenerationSettings } from './generation-settings.js';
import type { EmojiCaptions } from './prompt/emoji-captions.js';
import type { WordList } from './prompt/word-list.js';

/**
 * The parts that draw: a text model, which writes codes, and the VQGAN that turns them into pixels.
 * The two must pass `checkBelongTogether`.
 */
export interface PictureParts {
  readonly text: { readonly model: ImageTokenModel; readonly processor: Processor };
  readonly vqgan: Vqgan;
  /** The model's settings, for those that a call does not give. */
  readonly settings: GenerationSettings;
  /** The captions that emoji in prompts stand for, if the model has such a list. */
  readonly emoji?: EmojiCaptions | undefined;
  /** The words of the captions that the model learnt, if it has such a list. */
  readonly words?: WordList | undefined;
  /** Prompts that the model draws well, for whoever wonders what to ask; none if it has no such list. */
  readonly examples?: readonly string[] | undefined;
}

/** The size of the pictures that a model draws. */
export function pictureSize({ text, vqgan }: PictureParts): PictureSize {
  const side = Math.sqrt(text.model.config.imageLength) * 2 ** (vqgan.config.chMult.length - 1);
  return { height: side, width: side };
}
