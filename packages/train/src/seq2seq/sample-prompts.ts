import {
  type DalleBart,
  generateTokens,
  iterationKeys,
  type ProcessedPrompts,
  type Processor,
} from '@easel/bart';
import { ConfigError, type Key, pictureGrid, type Raster } from '@easel/core';
import { drawTokens, type Vqgan } from '@easel/vqgan';
import { openVqgan } from '@easel/vqgan/node';
import type { Seq2SeqConfig } from '../config/seq2seq-config.js';

/**
 * Draws the same prompts with the same keys whenever it is asked, so that only the model's progress changes the pictures. Takes no part in the
 * run's own randomness.
 */
export class PromptSamples {
  private readonly model: DalleBart;
  private readonly vqgan: Vqgan;
  private readonly inputs: ProcessedPrompts;
  private readonly keys: readonly Key[];
  private readonly settings: Seq2SeqConfig['samples'];

  private constructor(
    model: DalleBart,
    vqgan: Vqgan,
    inputs: ProcessedPrompts,
    settings: Seq2SeqConfig['samples'],
  ) {
    this.model = model;
    this.vqgan = vqgan;
    this.inputs = inputs;
    this.keys = iterationKeys(settings.seed, settings.perPrompt);
    this.settings = settings;
  }

  /**
   * For the prompts of a config; null if it draws none. The caller disposes it.
   * Throws ConfigError if there is no VQGAN to draw with, or one with another number of codes than the model draws.
   */
  static async open(
    settings: Seq2SeqConfig['samples'],
    model: DalleBart,
    processor: Processor,
    vqganFolder: string | null,
  ): Promise<PromptSamples | null> {
    const { every, prompts, perPrompt } = settings;
    if (every === 0) return null;
    if (vqganFolder === null)
      throw new ConfigError(
        'Training: samples: tokens become pictures only through a VQGAN; name its folder as vqgan, or set samples.every to 0.',
      );
    const vqgan = await openVqgan(vqganFolder, { decoderOnly: true });
    const { imageVocabSize, imageLength } = model.config;
    if (vqgan.config.nEmbed < imageVocabSize || !Number.isInteger(Math.sqrt(imageLength))) {
      const { nEmbed } = vqgan.config;
      vqgan.dispose();
      throw new ConfigError(
        `Training: samples: the model draws ${imageLength} of ${imageVocabSize} codes, the VQGAN in ${vqganFolder} has ${nEmbed}. Do the two belong together?`,
      );
    }
    const repeated = prompts.flatMap((prompt) => Array.from({ length: perPrompt }, () => prompt));
    return new PromptSamples(model, vqgan, processor.process(repeated), settings);
  }

  /** A row of pictures for each prompt. */
  async draw(): Promise<Raster> {
    const { prompts, perPrompt, temperature, topK, conditionScale } = this.settings;
    const rows = await generateTokens(this.model, this.inputs, {
      rowKeys: prompts.flatMap(() => this.keys),
      temperature,
      topK,
      conditionScale,
    });
    return pictureGrid(await drawTokens(this.vqgan, rows), perPrompt);
  }

  dispose(): void {
    this.vqgan.dispose();
  }
}
