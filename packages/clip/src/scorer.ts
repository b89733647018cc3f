import { ConfigError, type PictureSize, type Raster } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import { type ImageProcessorConfig, processImage } from './image-processor.js';
import type { Clip } from './model.js';
import type { ClipTokenizer } from './tokenizer.js';

/** The parts of a CLIP. */
export interface ClipParts {
  readonly clip: Clip;
  readonly tokenizer: ClipTokenizer;
  readonly imageProcessor: ImageProcessorConfig;
}

/** Options of `ClipScorer.score`. */
export interface ScoreOptions {
  /** Number of pictures in a batch (default 8). More is faster and takes more memory. */
  readonly batch?: number;
  /** Called after each batch with the number of pictures scored so far. */
  readonly onScored?: (done: number) => void;
}

/** Computes how well pictures fit a text: it takes a text and pictures and returns numbers. */
export class ClipScorer {
  private readonly parts: ClipParts;
  private last: { readonly text: string; readonly vector: Float32Array } | undefined;

  /** Throws ConfigError if the parts do not fit together. `where` begins the message. */
  constructor(parts: ClipParts, where = 'ClipScorer') {
    this.parts = parts;
    const { text, image } = parts.clip.config;
    if (parts.tokenizer.size > text.vocabSize) {
      throw new ConfigError(
        `${where}: the tokenizer has ${parts.tokenizer.size} ids, but the model's vocab_size is ${text.vocabSize}. Do they belong to one model?`,
      );
    }
    const made = madeSize(parts.imageProcessor);
    if (made === undefined || made.height !== image.imageSize || made.width !== image.imageSize) {
      const found = made === undefined ? 'any size' : `${made.height}×${made.width}`;
      throw new ConfigError(
        `${where}: the image processor makes pictures of ${found}, but the model takes ${image.imageSize}×${image.imageSize}. Do they belong to one model?`,
      );
    }
    if (image.channels !== 3) {
      throw new ConfigError(`${where}: expected a model of 3 channels, got ${image.channels}.`);
    }
  }

  /**
   * Returns the number of tokens of a text, its start and end included, and how many of them the
   * model reads.
   */
  lengthOf(text: string): { readonly tokens: number; readonly read: number } {
    const tokens = this.parts.tokenizer.encode(text).length;
    return { tokens, read: Math.min(tokens, this.parts.clip.config.text.maxTextLength) };
  }

  /**
   * Scores each picture with `text`: exp(logit_scale) · cosine, higher for a better fit. The factor
   * is about 100 in OpenAI's models. A text beyond the model's length is cut. The scorer remembers
   * the vector of the last text.
   */
  async score(text: string, pictures: readonly Raster[], options: ScoreOptions = {}): Promise<number[]> {
    const { batch = 8, onScored } = options;
    const { clip } = this.parts;
    const vector = await this.embedText(text);
    const embedded = tf.tensor2d(vector, [1, vector.length]);
    try {
      const scores: number[] = [];
      for (let begin = 0; begin < pictures.length; begin += batch) {
        const some = pictures.slice(begin, begin + batch);
        const pixels = this.processed(some);
        const row = tf.tidy(() => clip.score(clip.embedImages(pixels), embedded)); // [I, 1]
        pixels.dispose();
        try {
          scores.push(...(await row.data()));
        } finally {
          row.dispose();
        }
        onScored?.(scores.length);
      }
      return scores;
    } finally {
      embedded.dispose();
    }
  }

  /**
   * Scores each picture with its own texts, all in one pass. `texts[i]` are the texts of picture i;
   * element i of the result holds their scores. Each picture and each text is embedded once.
   */
  async scorePairs(texts: readonly (readonly string[])[], pictures: readonly Raster[]): Promise<number[][]> {
    const all = texts.flat();
    if (all.length === 0) return texts.map(() => []);
    const { clip, tokenizer } = this.parts;
    const { maxTextLength } = clip.config.text;
    const { inputIds, attentionMask } = tokenizer.encodeBatch(all, { maxLength: maxTextLength });
    const pixels = this.processed(pictures);
    const scores = tf.tidy(() => {
      const embedded = clip.embedTexts({
        inputIds: tf.tensor2d(inputIds, [all.length, maxTextLength], 'int32'),
        attentionMask: tf.tensor2d(attentionMask, [all.length, maxTextLength], 'int32'),
      });
      return clip.score(clip.embedImages(pixels), embedded); // [I, B]
    });
    try {
      const values = await scores.data();
      let text = 0;
      return texts.map((own, i) => own.map(() => values[i * all.length + text++] as number));
    } finally {
      tf.dispose([pixels, scores]);
    }
  }

  /** Prepares pictures for the model: float32 [I, S, S, 3]. The caller disposes the tensor. */
  private processed(pictures: readonly Raster[]): tf.Tensor4D {
    const { clip, imageProcessor } = this.parts;
    const { imageSize } = clip.config.image;
    const pixels = new Float32Array(pictures.length * imageSize * imageSize * 3);
    for (const [i, picture] of pictures.entries())
      pixels.set(processImage(picture, imageProcessor).data, i * imageSize * imageSize * 3);
    return tf.tensor4d(pixels, [pictures.length, imageSize, imageSize, 3]);
  }

  /** Embeds the text as a vector of P numbers. */
  private async embedText(text: string): Promise<Float32Array> {
    if (this.last?.text === text) return this.last.vector;
    const { clip, tokenizer } = this.parts;
    const { maxTextLength } = clip.config.text;
    const { inputIds, attentionMask } = tokenizer.encodeBatch([text], { maxLength: maxTextLength });
    const embedded = tf.tidy(() =>
      clip.embedTexts({
        inputIds: tf.tensor2d(inputIds, [1, maxTextLength], 'int32'),
        attentionMask: tf.tensor2d(attentionMask, [1, maxTextLength], 'int32'),
      }),
    );
    try {
      const vector = Float32Array.from(await embedded.data());
      this.last = { text, vector };
      return vector;
    } finally {
      embedded.dispose();
    }
  }
}

/** Returns the size that every prepared picture has, or undefined if it depends on the picture. */
function madeSize({ resizeTo, cropTo }: ImageProcessorConfig): PictureSize | undefined {
  if (cropTo !== undefined) return cropTo;
  return resizeTo !== undefined && 'height' in resizeTo ? resizeTo : undefined;
}
