import type { DalleBart, Processor } from '@easel/bart';
import { ConfigError, pictureGrid, type Raster } from '@easel/core';
import { generatePictures, type PictureParts } from '@easel/draw';
import { checkBelongTogether, standardSettings } from '@easel/draw/internals';
import { openVqgan } from '@easel/vqgan/node';
import type { Seq2SeqConfig } from '../config/seq2seq-config.js';

/**
 * Draws the same prompts with the same keys whenever it is asked, so that only the model's progress changes the
 * pictures. Takes no part in the run's own randomness.
 */
export class PromptSamples {
  private readonly parts: PictureParts;
  private readonly settings: Seq2SeqConfig['samples'];

  private constructor(parts: PictureParts, settings: Seq2SeqConfig['samples']) {
    this.parts = parts;
    this.settings = settings;
  }

  /**
   * For the prompts of a config; null if it draws none. The caller disposes it.
   * Throws ConfigError if there is no VQGAN to draw with, or one that does not belong to the model.
   */
  static async open(
    settings: Seq2SeqConfig['samples'],
    model: DalleBart,
    processor: Processor,
    vqganFolder: string | null,
  ): Promise<PromptSamples | null> {
    if (settings.every === 0) return null;
    if (vqganFolder === null)
      throw new ConfigError(
        'Training: samples: tokens become pictures only through a VQGAN; name its folder as vqgan, or set samples.every to 0.',
      );
    const vqgan = await openVqgan(vqganFolder, { decoderOnly: true });
    try {
      checkBelongTogether(model.config, vqgan.config, `Training: samples with the VQGAN in ${vqganFolder}`);
      const parts = { text: { model, processor }, vqgan, settings: standardSettings(model.config) };
      return new PromptSamples(parts, settings);
    } catch (error) {
      vqgan.dispose();
      throw error;
    }
  }

  /** A row of pictures for each prompt. */
  async draw(): Promise<Raster> {
    const { prompts, perPrompt, seed, temperature, topK, conditionScale } = this.settings;
    const drawn = generatePictures(this.parts, {
      prompts,
      images: perPrompt,
      seed,
      batch: prompts.length * perPrompt,
      settings: { temperature, topK, conditionScale },
    });
    const pictures: Raster[] = [];
    for await (const { pixels } of drawn) pictures.push(pixels);
    return pictureGrid(pictures, perPrompt);
  }

  dispose(): void {
    this.parts.vqgan.dispose();
  }
}
