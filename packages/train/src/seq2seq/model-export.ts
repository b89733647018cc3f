import { existsSync } from 'node:fs';
import { copyFile, cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { BpeTokenizer } from '@easel/bart';
import { WORD_LIST } from '@easel/bart/internals';
import { saveDalleBart } from '@easel/bart/node';
import { writeJson } from '@easel/core/internals/node';
import type { HeldTensors } from '@easel/core/node';
import {
  EMOJI_FILE,
  GENERATION_FILE,
  type GenerationSettings,
  generationSettingsToJson,
  WORDS_FILE,
  type WordList,
  wordListToJson,
} from '@easel/draw';
import { openVqgan, saveVqgan } from '@easel/vqgan/node';
import { saveOriginalCheckpoint } from '../original/checkpoint.js';
import { writeKnownPrompts } from './known-prompts.js';
import type { UpdateSubject } from './seq2seq-update.js';

/** The files of a run's model folder beside the weights. */
export interface ModelCompanions {
  readonly tokenizer: BpeTokenizer;
  readonly wordList: string | null;
  /** Folder of the VQGAN that draws the model's tokens. */
  readonly vqgan: string | null;
  /** The settings with which the model draws by default. */
  readonly generation: Partial<GenerationSettings>;
  /** Path of what emoji stand for. */
  readonly emoji: string | null;
  /** Counts the words that the model knows; null where nobody knows which they are. */
  readonly words: (() => Promise<WordList>) | null;
  /** Prompts of what the model was trained on. */
  readonly prompts: readonly string[];
}

/** Writes the model folders of a sitting. `current` is the path of the previous one. */
export class ModelExport {
  private readonly subject: UpdateSubject;
  private readonly beside: ModelCompanions;
  private readonly current: string;
  /** Whether this sitting has written the VQGAN in the current folder. */
  private hasVqgan = false;
  /** The words, once they are counted in this sitting. */
  private words: Promise<WordList> | undefined;

  constructor(subject: UpdateSubject, beside: ModelCompanions, current: string) {
    this.subject = subject;
    this.beside = beside;
    this.current = current;
  }

  /**
   * Writes the model, with `weights` or its present weights, and the other files that `easel
   * generate` needs.
   */
  async write(folder: string, weights?: HeldTensors): Promise<void> {
    const { config, model, trained, optimizer } = this.subject;
    const { tokenizer, wordList, vqgan, generation, emoji, prompts } = this.beside;
    await saveDalleBart(folder, { model, tokenizer }, { dtype: config.exportDtype, weights });
    await writeJson(join(folder, GENERATION_FILE), generationSettingsToJson(generation));
    await writeKnownPrompts(folder, prompts);
    if (wordList !== null) await copyFile(wordList, join(folder, WORD_LIST));
    if (emoji !== null) await copyFile(emoji, join(folder, EMOJI_FILE));
    this.words ??= this.beside.words?.();
    if (this.words !== undefined) await writeJson(join(folder, WORDS_FILE), wordListToJson(await this.words));
    if (vqgan !== null) await this.exportVqgan(vqgan, join(folder, 'vqgan'));
    if (!config.exportOriginal) return;
    const stateSubject = { model, optimizer: config.optimizer, trained };
    await saveOriginalCheckpoint(folder, stateSubject, optimizer.state());
  }

  /** Writes the whole VQGAN, or the half that drawing needs, which is made once in a sitting. */
  private async exportVqgan(from: string, to: string): Promise<void> {
    const { vqganParts, exportDtype } = this.subject.config;
    const before = join(this.current, 'vqgan');
    if (vqganParts === 'whole') await cp(from, to, { recursive: true });
    else if (this.hasVqgan && existsSync(before)) await cp(before, to, { recursive: true });
    else {
      const vqgan = await openVqgan(from);
      try {
        await saveVqgan(to, vqgan, { dtype: exportDtype, decoderOnly: true });
      } finally {
        vqgan.dispose();
      }
      this.hasVqgan = true;
    }
  }
}
