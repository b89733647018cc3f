import type { DalleBart, Processor } from '@easel/bart';
import { pictureGrid, type Raster } from '@easel/core';
import { type GenerationSettings, generatePictures, type PictureParts } from '@easel/draw';
import { checkBelongTogether, standardSettings } from '@easel/draw/internals';
import { openVqgan } from '@easel/vqgan/node';
import type { Seq2SeqConfig } from '../config/seq2seq-config.js';
import { loadingOptions, type OnLoading } from '../run/loading.js';

/** Number of captions of the training set that are drawn if the settings name no prompts. */
export const SAMPLED_CAPTIONS = 4;

/** Settings of `PromptSamples`: a config's `samples`, with prompts and pace filled in. */
export type SampleSettings = Seq2SeqConfig['samples'] & {
  readonly prompts: readonly string[];
  /** The prompts as the model reads them. */
  readonly normalized: readonly string[];
};

/**
 * Draws the same prompts with the same keys each time, so that only the model's progress changes
 * the pictures. It does not touch the run's own random numbers.
 */
export class PromptSamples {
  private readonly parts: PictureParts;
  private readonly settings: SampleSettings;

  private constructor(parts: PictureParts, settings: SampleSettings) {
    this.parts = parts;
    this.settings = settings;
  }

  /**
   * Opens the VQGAN. Settings that are not given come from `generation`, so that samples are drawn
   * as the finished model draws. The caller disposes it. Throws ConfigError if the VQGAN does not
   * belong to the model.
   */
  static async open(
    settings: SampleSettings,
    generation: Partial<GenerationSettings>,
    model: DalleBart,
    processor: Processor,
    vqganFolder: string,
    tell: OnLoading,
  ): Promise<PromptSamples> {
    const vqgan = await openVqgan(vqganFolder, {
      decoderOnly: true,
      ...loadingOptions('the VQGAN', tell),
    });
    try {
      checkBelongTogether(model.config, vqgan.config, `Training: samples with the VQGAN in ${vqganFolder}`);
      const parts = {
        text: { model, processor },
        vqgan,
        settings: { ...standardSettings(model.config), ...generation },
      };
      return new PromptSamples(parts, settings);
    } catch (error) {
      vqgan.dispose();
      throw error;
    }
  }

  /** Draws a row of pictures for each prompt. */
  async draw(): Promise<Raster> {
    const { normalized: prompts, perPrompt, seed, temperature, topK, conditionScale } = this.settings;
    const drawn = generatePictures(this.parts, {
      prompts,
      images: perPrompt,
      seed,
      batch: prompts.length * perPrompt,
      settings: {
        ...(temperature !== null && { temperature }),
        ...(topK !== null && { topK }),
        ...(conditionScale !== null && { conditionScale }),
      },
    });
    const pictures: Raster[] = [];
    for await (const { pixels } of drawn) pictures.push(pixels);
    return pictureGrid(pictures, perPrompt);
  }

  /** The prompts of the rows. */
  get rows(): readonly string[] {
    return this.settings.prompts;
  }

  dispose(): void {
    this.parts.vqgan.dispose();
  }
}
