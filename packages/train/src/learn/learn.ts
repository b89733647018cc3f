import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BpeTokenizer, trainBpe } from '@easel/bart';
import { openTokenizer, saveTokenizer } from '@easel/bart/node';
import { ConfigError, DataError } from '@easel/core';
import { openVqgan } from '@easel/vqgan/node';
import type { EncodeSummary } from '../encoding/encode.js';
import { encodePictures } from '../encoding/encode.js';
import { lockFolder } from '../lock/folder-lock.js';
import type { TrainingEvent, TrainingResult } from '../run/training-loop.js';
import { planSeq2Seq } from '../seq2seq/plan-seq2seq.js';
import { trainSeq2Seq } from '../seq2seq/train-seq2seq.js';
import { openPictures, type SourceSettings } from '../sources/open-pictures.js';
import type { PictureSource } from '../sources/picture-source.js';
import { planVqgan } from '../vqgan/plan-vqgan.js';
import { trainVqgan } from '../vqgan/train-vqgan.js';
import {
  codesFor,
  LEARNT_SIDE,
  seq2seqSettings,
  textLengthFor,
  updatesFor,
  vqganSettings,
} from './learn-settings.js';
import { type LearnState, readLearnState, writeLearnState } from './learn-state.js';

/** The stages of a learning, in their order, with what each does. */
export const LEARN_STAGES = {
  vqgan: 'pictures ↔ tokens: learning to say pictures in tokens',
  encoded: 'pictures → tokens: saying each picture once',
  tokenizer: 'captions → words: learning a vocabulary',
  seq2seq: 'text → tokens: learning what captions look like',
} as const;
/** Name of a stage. */
export type LearnStage = keyof typeof LEARN_STAGES;

/** What a learning tells while it goes. */
export type LearnEvent =
  | { readonly kind: 'stage'; readonly stage: LearnStage; readonly number: number; readonly of: number }
  | {
      readonly kind: 'progress';
      readonly stage: LearnStage;
      readonly done: number;
      readonly total: number;
      readonly unit: string;
      readonly note: string;
      /** Of the whole learning. */
      readonly secondsLeft: number;
    }
  /** What is worth a line of its own. */
  | { readonly kind: 'note'; readonly text: string };

/** How a learning works. */
export interface LearnOptions {
  /** Folder of the model; what is needed on the way lies in `learning/` within it. */
  readonly out: string;
  /** Time for everything (20); of one that goes on it stays what it was. */
  readonly minutes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: ((event: LearnEvent) => void) | undefined;
}

/** What came of a learning. */
export interface LearnResult {
  /** False if the signal stopped it: the same call goes on. */
  readonly complete: boolean;
  readonly model: string;
  readonly pictures: number;
  /** Captions of the set, no two alike, from places all over it; for a sheet of what was learnt. */
  readonly captions: readonly string[];
  /** Over all sittings. */
  readonly seconds: number;
}

/** The folder of a learning's stages in that of its model. */
const WORK = 'learning';
const DEFAULT_MINUTES = 20;
/** Share of the time that the VQGAN gets. The rest, but for the end, is the transformer's. */
const VQGAN_SHARE = 0.45;
/** Time that isn't planned: evaluations, checkpoints, opening. */
const SLACK = 0.08;
/** Entries of the vocabulary at most. */
const VOCABULARY = 2048;
/** From about so many updates on, pictures of the shipped set's kind become clear. */
const USUAL_UPDATES = 500;
/** Captions that are handed out at the end. */
const SHEET_CAPTIONS = 24;

/**
 * From captioned pictures to a model that draws such pictures at 64×64 pixels, in about so many
 * minutes: learns tokens (`trainVqgan`), encodes the pictures (`encodePictures`), learns a
 * vocabulary and then the transformer (`trainSeq2Seq`), with the settings of the shipped model.
 * Each training gets as many updates as this machine makes in its share of the time, which is
 * measured before it. A set that is small is learnt by heart sooner.
 *
 * The same call goes on where it was stopped, to the numbers of one that never was. Throws
 * DataError for sources that can't be read or have no captions, or other ones than the learning was
 * begun with; ConfigError for another time than it was begun with; EaselError if another process
 * learns in the folder. Uses tfjs's current backend.
 */
export async function learn(sources: readonly SourceSettings[], options: LearnOptions): Promise<LearnResult> {
  const { out, minutes } = options;
  if (minutes !== undefined && !(Number.isFinite(minutes) && minutes > 0))
    throw new ConfigError(`Learning: expected minutes above 0, got ${minutes}.`);
  const source = await openPictures(sources);
  try {
    const folder = join(out, WORK);
    await mkdir(folder, { recursive: true });
    const lock = await lockFolder(folder);
    try {
      const before = await readLearnState(folder);
      requireSame(out, before, source, minutes);
      const state = before ?? { ...FRESH, source: source.digest, seconds: (minutes ?? DEFAULT_MINUTES) * 60 };
      return await new Learning(sources, source, folder, state, options).run();
    } finally {
      await lock.release();
    }
  } finally {
    await source.close();
  }
}

const FRESH = { version: 1, spent: 0, vqganSteps: null, seq2seqSteps: null, done: [] } as const;

function requireSame(
  out: string,
  before: LearnState | undefined,
  { digest, description }: PictureSource,
  minutes: number | undefined,
): void {
  if (before === undefined) return;
  if (before.source !== digest)
    throw new DataError(
      `${out}: its learning was begun with other pictures or captions than are in ${description} now. Choose a new folder.`,
    );
  if (minutes !== undefined && minutes * 60 !== before.seconds)
    throw new ConfigError(
      `${out}: its learning was begun for ${before.seconds / 60} minutes, now ${minutes} are given. Leave --minutes out to go on, or choose a new folder.`,
    );
}

/** One sitting of a learning. */
class Learning {
  private readonly sources: readonly SourceSettings[];
  private readonly source: PictureSource;
  private readonly folder: string;
  private readonly options: LearnOptions;
  private readonly began = performance.now();
  private readonly spentBefore: number;
  private state: LearnState;

  constructor(
    sources: readonly SourceSettings[],
    source: PictureSource,
    folder: string,
    state: LearnState,
    options: LearnOptions,
  ) {
    this.sources = sources;
    this.source = source;
    this.folder = folder;
    this.state = state;
    this.spentBefore = state.spent;
    this.options = options;
  }

  async run(): Promise<LearnResult> {
    const stages: Record<LearnStage, () => Promise<boolean>> = {
      vqgan: () => this.learnTokens(),
      encoded: () => this.encode(),
      tokenizer: () => this.learnWords(),
      seq2seq: () => this.learnText(),
    };
    const names = Object.keys(stages) as LearnStage[];
    for (const [i, stage] of names.entries()) {
      if (this.state.done.includes(stage)) continue;
      this.options.onEvent?.({ kind: 'stage', stage, number: i + 1, of: names.length });
      const finished = await this.orStopped(stages[stage]);
      await this.save(finished ? { done: [...this.state.done, stage] } : {});
      if (!finished) return this.result(false);
    }
    await cp(this.at('seq2seq', 'model'), this.options.out, { recursive: true });
    return this.result(true);
  }

  /** What a stage says; false where the signal ended it. */
  private async orStopped(stage: () => Promise<boolean>): Promise<boolean> {
    const { signal } = this.options;
    try {
      return await stage();
    } catch (error) {
      if (signal?.aborted && error === signal.reason) return false;
      throw error;
    }
  }

  private async learnTokens(): Promise<boolean> {
    const pictures = this.source.length;
    if (this.state.vqganSteps === null) {
      const trial = vqganSettings(this.sources, { pictures, steps: 1000 });
      const { time, pictures: found } = await planVqgan(trial, { signal: this.options.signal });
      if (time === undefined) return false;
      const seconds = VQGAN_SHARE * this.state.seconds * (1 - SLACK);
      const sizes = { ...time, samples: found.training, batchSize: trial.batchSize };
      await this.save({ vqganSteps: this.told(updatesFor('vqgan', seconds, sizes), time.secondsPerUpdate) });
    }
    const config = vqganSettings(this.sources, { pictures, steps: this.state.vqganSteps as number });
    return this.train('vqgan', (run) => trainVqgan(config, run));
  }

  private async encode(): Promise<boolean> {
    const { onEvent, signal } = this.options;
    const vqgan = await openVqgan(this.at('vqgan', 'model'));
    let summary: EncodeSummary;
    try {
      summary = await encodePictures(this.source, {
        vqgan,
        out: this.at('encoded'),
        shape: { size: LEARNT_SIDE },
        signal,
        onProgress: ({ pictures, total }) => this.tell('encoded', pictures, total, 'pictures', ''),
      });
    } finally {
      vqgan.dispose();
    }
    const { pictures, rows, codes, codesUsed } = summary;
    if (summary.partComplete)
      onEvent?.({
        kind: 'note',
        text: `${pictures} pictures with ${rows} captions; ${codesUsed} of ${codes} tokens in use`,
      });
    return summary.partComplete;
  }

  private async learnWords(): Promise<boolean> {
    const captions = await this.captions();
    const settings = { vocabSize: VOCABULARY, lowerCase: true, addPrefixSpace: true };
    await saveTokenizer(this.at('tokenizer'), new BpeTokenizer(trainBpe(captions, settings)));
    return true;
  }

  private async learnText(): Promise<boolean> {
    const tokenizer = await openTokenizer(this.at('tokenizer'));
    const captions = await this.captions();
    const lengths = captions.map((caption) => tokenizer.encode(caption).length).sort((a, b) => a - b);
    const folders = {
      train: this.at('encoded'),
      tokenizer: this.at('tokenizer'),
      vqgan: this.at('vqgan', 'model'),
    };
    const sizes = {
      rows: captions.length,
      vocabulary: tokenizer.size,
      textLength: textLengthFor(lengths[Math.ceil(lengths.length * 0.99) - 1] as number),
      codes: codesFor(this.source.length),
    };
    if (this.state.seq2seqSteps === null) {
      const trial = seq2seqSettings(folders, { ...sizes, steps: 1000 });
      const { time } = await planSeq2Seq(trial, { signal: this.options.signal });
      if (time === undefined) return false;
      const seconds = this.state.seconds * (1 - SLACK) - this.spent();
      const fit = { ...time, samples: captions.length, batchSize: trial.batchSize };
      await this.save({
        seq2seqSteps: this.told(updatesFor('seq2seq', seconds, fit), time.secondsPerUpdate),
      });
    }
    const config = seq2seqSettings(folders, { ...sizes, steps: this.state.seq2seqSteps as number });
    return this.train('seq2seq', (run) => trainSeq2Seq(config, run));
  }

  /** Tells how many updates a stage will have, and hands their number on. */
  private told(updates: number, secondsPerUpdate: number): number {
    const few = updates < USUAL_UPDATES ? `; with fewer than ${USUAL_UPDATES} expect rough pictures` : '';
    const text = `${updates} updates of ${secondsPerUpdate.toPrecision(2)} s, as measured here${few}`;
    this.options.onEvent?.({ kind: 'note', text });
    return updates;
  }

  /** Makes or resumes the run of a stage; false if the signal stopped it. */
  private async train(
    stage: LearnStage,
    run: (options: {
      readonly out: string;
      readonly resume: true;
      readonly signal: AbortSignal | undefined;
      readonly onEvent: (event: TrainingEvent) => void;
    }) => Promise<TrainingResult>,
  ): Promise<boolean> {
    const { signal, onEvent } = this.options;
    const { complete } = await run({
      out: this.at(stage),
      resume: true,
      signal,
      onEvent: (event) => {
        if (event.kind === 'step') {
          const { step, steps, loss, secondsLeft } = event;
          this.tell(stage, step, steps, 'updates', `loss ${loss.toPrecision(3)}`, secondsLeft);
        }
        if (event.kind === 'pictures' && Object.keys(event.failures).length > 0) {
          const left = Object.values(event.failures).reduce((sum, count) => sum + (count ?? 0), 0);
          onEvent?.({
            kind: 'note',
            text: `${left} ${left === 1 ? 'picture' : 'pictures'} can't be used; named in ${event.log}`,
          });
        }
      },
    });
    return complete;
  }

  /** All captions of the source, in its order. */
  private async captions(): Promise<string[]> {
    const captions: string[] = [];
    for await (const picture of this.source.read({ pictures: false }))
      for (const caption of picture.captions) if (caption !== '') captions.push(caption);
    if (captions.length === 0) throw new DataError(`${this.source.description}: no captions in it.`);
    return captions;
  }

  private tell(
    stage: LearnStage,
    done: number,
    total: number,
    unit: string,
    note: string,
    ownSecondsLeft = 0,
  ): void {
    const secondsLeft = Math.max(ownSecondsLeft, this.state.seconds - this.spent());
    this.options.onEvent?.({ kind: 'progress', stage, done, total, unit, note, secondsLeft });
  }

  private spent(): number {
    return this.spentBefore + (performance.now() - this.began) / 1000;
  }

  private async save(changes: Partial<LearnState>): Promise<void> {
    this.state = { ...this.state, ...changes, spent: this.spent() };
    await writeLearnState(this.folder, this.state);
  }

  private async result(complete: boolean): Promise<LearnResult> {
    const different = complete ? [...new Set(await this.captions())] : [];
    const count = Math.min(SHEET_CAPTIONS, different.length);
    const captions = Array.from(
      { length: count },
      (_, i) => different[Math.floor(((i + 0.5) * different.length) / count)] as string,
    );
    const { out } = this.options;
    return { complete, model: out, pictures: this.source.length, captions, seconds: this.spent() };
  }

  private at(...parts: string[]): string {
    return join(this.folder, ...parts);
  }
}
