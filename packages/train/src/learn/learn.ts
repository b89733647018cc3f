import { BpeTokenizer, trainBpe } from '@easel/bart';
import { openTokenizer, saveTokenizer } from '@easel/bart/node';
import { openVqgan } from '@easel/vqgan/node';
import { MOST_EPOCHS } from '../config/run-length.js';
import { planSeq2Seq } from '../seq2seq/plan-seq2seq.js';
import { trainSeq2Seq } from '../seq2seq/train-seq2seq.js';
import { type OpenPicturesOptions, openPictures, type SourceSettings } from '../sources/open-pictures.js';
import type { PictureSource } from '../sources/picture-source.js';
import { publishModel } from '../stages/publish-model.js';
import {
  captionsOf,
  requireMinutes,
  type StagedOptions,
  type StagedWork,
  type StageEvent,
  samePictures,
  spreadOver,
  type WorkKind,
  withStagedWork,
} from '../stages/staged-work.js';
import { planVqgan } from '../vqgan/plan-vqgan.js';
import { trainVqgan } from '../vqgan/train-vqgan.js';
import { codesFor, LEARNT_SIDE, seq2seqSettings, textLengthFor, vqganSettings } from './learn-settings.js';

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
export type LearnEvent = StageEvent<LearnStage>;

/**
 * How a learning works: its folder, its time (20 minutes unless given), and how captions are read.
 */
export type LearnOptions = StagedOptions<LearnStage> & Pick<OpenPicturesOptions, 'captionLines'>;

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

/** A learning as a staged work. */
const LEARNING: Omit<WorkKind, 'conditions'> = { name: 'learning', usualMinutes: 20 };
/** Share of the time that the VQGAN gets. The rest, but for the end, is the transformer's. */
const VQGAN_SHARE = 0.45;
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
 * begun with; ConfigError for another time than it was begun with, or a folder that holds another
 * model; EaselError if another process learns in the folder. Uses tfjs's current backend.
 */
export async function learn(sources: readonly SourceSettings[], options: LearnOptions): Promise<LearnResult> {
  requireMinutes(LEARNING.name, options.minutes);
  const { captionLines } = options;
  const source = await openPictures(sources, { captionLines });
  try {
    const kind = { ...LEARNING, conditions: { pictures: samePictures(options, LEARNING.name, source) } };
    return await withStagedWork(kind, options, (work) => new Learning(sources, source, work).run());
  } finally {
    await source.close();
  }
}

/** One sitting of a learning. */
class Learning {
  private readonly sources: readonly SourceSettings[];
  private readonly source: PictureSource;
  private readonly work: StagedWork<LearnStage>;

  constructor(sources: readonly SourceSettings[], source: PictureSource, work: StagedWork<LearnStage>) {
    this.sources = sources;
    this.source = source;
    this.work = work;
  }

  async run(): Promise<LearnResult> {
    const { work, source } = this;
    const { out: model } = work.options;
    const complete = await work.run({
      vqgan: () => this.learnTokens(),
      encoded: () => this.encode(),
      tokenizer: () => this.learnWords(),
      seq2seq: () => this.learnText(),
    });
    if (complete) await publishModel(work.at('seq2seq', 'model'), model);
    const captions = complete ? spreadOver(await captionsOf(source), SHEET_CAPTIONS) : [];
    return { complete, model, pictures: source.length, captions, seconds: work.spent };
  }

  private async learnTokens(): Promise<boolean> {
    const { work, sources } = this;
    const pictures = this.source.length;
    const trial = vqganSettings(sources, { pictures, steps: 1000 });
    const plan = async () => {
      const { time, pictures: found } = await planVqgan(trial, { signal: work.options.signal });
      return { time, samples: found.training };
    };
    const steps = await work.updates('vqganSteps', plan, {
      seconds: () => VQGAN_SHARE * work.plannable,
      batchSize: trial.batchSize,
      mostEpochs: MOST_EPOCHS.vqgan,
      usual: USUAL_UPDATES,
    });
    if (steps === undefined) return false;
    return work.train('vqgan', (run) => trainVqgan(vqganSettings(sources, { pictures, steps }), run));
  }

  private async encode(): Promise<boolean> {
    const vqgan = await openVqgan(this.work.at('vqgan', 'model'));
    try {
      const summary = await this.work.encode('encoded', this.source, vqgan, { size: LEARNT_SIDE });
      return summary !== undefined;
    } finally {
      vqgan.dispose();
    }
  }

  private async learnWords(): Promise<boolean> {
    const captions = await captionsOf(this.source);
    const settings = { vocabSize: VOCABULARY, lowerCase: true, addPrefixSpace: true };
    await saveTokenizer(this.work.at('tokenizer'), new BpeTokenizer(trainBpe(captions, settings)));
    return true;
  }

  private async learnText(): Promise<boolean> {
    const { work } = this;
    const tokenizer = await openTokenizer(work.at('tokenizer'));
    const captions = await captionsOf(this.source);
    const lengths = captions.map((caption) => tokenizer.encode(caption).length).sort((a, b) => a - b);
    const folders = {
      train: work.at('encoded'),
      tokenizer: work.at('tokenizer'),
      vqgan: work.at('vqgan', 'model'),
    };
    const sizes = {
      rows: captions.length,
      vocabulary: tokenizer.size,
      textLength: textLengthFor(lengths[Math.ceil(lengths.length * 0.99) - 1] as number),
      codes: codesFor(this.source.length),
    };
    const trial = seq2seqSettings(folders, { ...sizes, steps: 1000 });
    const plan = async () => {
      const { time } = await planSeq2Seq(trial, { signal: work.options.signal });
      return { time, samples: captions.length };
    };
    const steps = await work.updates('seq2seqSteps', plan, {
      seconds: () => work.plannable - work.spent,
      batchSize: trial.batchSize,
      mostEpochs: MOST_EPOCHS.seq2seq,
      usual: USUAL_UPDATES,
    });
    if (steps === undefined) return false;
    const config = seq2seqSettings(folders, { ...sizes, steps });
    return work.train('seq2seq', (run) => trainSeq2Seq(config, run));
  }
}
