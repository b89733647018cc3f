import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ConfigError, openUndamaged, prngKey } from '@easel/core';
import { modelFiles } from '@easel/core/node';
import { openPictureModel } from '@easel/draw/node';
import type { Vqgan } from '@easel/vqgan';
import { openVqgan } from '@easel/vqgan/node';
import { defaultPictureShape, type PictureShape } from '../decoded/decode-picture.js';
import type { EncodingShape } from '../encoded/checked-row.js';
import { readEncodedSet } from '../encoded/encoded-set.js';
import { planSeq2Seq } from '../seq2seq/plan-seq2seq.js';
import { type StartingPoint, startingPoint } from '../seq2seq/starting-point.js';
import { trainSeq2Seq } from '../seq2seq/train-seq2seq.js';
import { digestOfFiles } from '../sources/file-digest.js';
import { type OpenPicturesOptions, openPictures, type SourceSettings } from '../sources/open-pictures.js';
import type { PictureSource } from '../sources/picture-source.js';
import { publishModel } from '../stages/publish-model.js';
import {
  type Condition,
  requireMinutes,
  type StagedOptions,
  type StagedWork,
  type StageEvent,
  samePictures,
  spreadOver,
  withStagedWork,
} from '../stages/staged-work.js';
import { planVqgan } from '../vqgan/plan-vqgan.js';
import { reconstructionPsnr } from '../vqgan/reconstruction.js';
import { trainVqgan } from '../vqgan/train-vqgan.js';
import { drawRows } from './draw-rows.js';
import { type KnownPrompts, promptsToRehearse, rehearse } from './rehearsal.js';
import { decoderSettings, MOST_EPOCHS, textSettings } from './tune-settings.js';
import { openWholeVqgan, sideOf, type TuningBase, tuningBase } from './tuning-base.js';

/** The stages of a tuning, in their order, with what each does. */
export const TUNE_STAGES = {
  encoded: 'pictures → tokens: saying each picture in the tokens of the model',
  rehearsed: 'drawing what the model knows, to rehearse it',
  decoder: 'tokens → pictures: learning to draw such pictures, if it is needed',
  seq2seq: 'text → tokens: learning the captions, and rehearsing',
} as const;
/** Name of a stage. */
export type TuneStage = keyof typeof TUNE_STAGES;

/** What a tuning tells while it goes. */
export type TuneEvent = StageEvent<TuneStage>;

/** How a model is tuned. Its time is 10 minutes unless given. */
export interface TuneOptions extends StagedOptions<TuneStage>, Pick<OpenPicturesOptions, 'captionLines'> {
  /** Folder of the model that is tuned, or of a run. It stays as it is. */
  readonly from: string;
  /** Folder of its whole VQGAN, if that in the model has no encoder. */
  readonly vqgan?: string | undefined;
  /**
   * Share of the rows trained on that rehearse what the model knew, 0 to 0.95 (default 0.5). With
   * less it learns faster and forgets more.
   */
  readonly rehearsal?: number | undefined;
  /**
   * Prompts that are rehearsed (default: those of the model's prompts.txt, else its words).
   */
  readonly prompts?: readonly string[] | undefined;
  /**
   * The VQGAN's decoder is trained too if the pictures come back from their tokens with a mean PSNR
   * below so many dB (default 22). 0: never.
   */
  readonly decoderBelow?: number | undefined;
  /** What part of a picture is a square (default cover). */
  readonly fit?: 'cover' | 'contain' | undefined;
}

/** What came of a tuning. */
export interface TuneResult {
  /** False if the signal stopped it: the same call goes on. */
  readonly complete: boolean;
  readonly model: string;
  /** Pictures that it learnt: those that could be used. */
  readonly pictures: number;
  /** Captions of the pictures, no two alike, from places all over them; for a sheet. */
  readonly captions: readonly string[];
  /** Prompts of what the model knew before, likewise. */
  readonly known: readonly string[];
  /** Drawings that were rehearsed. */
  readonly rehearsed: number;
  /** Mean PSNR in dB of the pictures, drawn from their tokens by the decoder as it was. */
  readonly psnr: number;
  /** The same by the tuned decoder; undefined if it was not trained. */
  readonly tunedPsnr: number | undefined;
  /** Over all sittings. */
  readonly seconds: number;
}

/** A tuning as a staged work. */
const NAME = 'tuning';
const USUAL_MINUTES = 10;
const USUAL_REHEARSAL = 0.5;
const MOST_REHEARSAL = 0.95;
const USUAL_DECODER_BELOW = 22;
/** Pictures from which on a tuning is more than an anecdote. */
const USUAL_PICTURES = 20;
/** Most drawings that are rehearsed, and the share of the time that drawing them may take. */
const MOST_REHEARSED = 1024;
const REHEARSAL_TIME = 0.2;
/** Share of the time that the decoder gets, if it is trained. */
const DECODER_TIME = 0.3;
/** From about so many updates on, captions of a hundred pictures are known. */
const USUAL_UPDATES = { decoder: 200, seq2seq: 200 };
/** Captions and known prompts that are handed out at the end, each. */
const SHEET_PROMPTS = 12;
/** Files of a model's folder that hold the model itself. */
const MODEL_FILE = /^config\.json$|\.(safetensors|msgpack|index\.json)$/;

/**
 * Teaches a model some further pictures with captions, in about so many minutes, so that it keeps
 * what it knew: encodes the pictures by its VQGAN (`encodePictures`), lets the model draw prompts
 * of what it knows, and trains its transformer on both (`trainSeq2Seq`). No data of its own
 * training is needed. If the pictures come back badly from their tokens, the VQGAN's decoder is
 * trained before (`trainVqgan`); tokens keep their meaning.
 *
 * The same call goes on where it was stopped. Throws DataError for sources that can't be read or
 * have no captions, or other ones than the tuning was begun with; ConfigError for a model that
 * can't be tuned, such as one whose VQGAN has no encoder, and for settings out of range or others
 * than it was begun with; CheckpointError for a damaged model; EaselError if another process works
 * in the folder. Uses tfjs's current backend.
 */
export async function tune(sources: readonly SourceSettings[], options: TuneOptions): Promise<TuneResult> {
  checkOptions(options);
  const { captionLines, out, from } = options;
  const base = tuningBase(from, options.vqgan);
  if ([from, base.model].some((folder) => resolve(folder) === resolve(out)))
    throw new ConfigError(
      `${out}: this is the folder of the model that is tuned, which stays as it is. Choose a new folder.`,
    );
  const source = await openPictures(sources, { captionLines });
  try {
    const { start, known, vqgan } = await openBase(base, options);
    try {
      const shape = start.modelConfig;
      const size = sideOf(vqgan, shape.imageLength, base.model);
      const kind = {
        name: NAME,
        usualMinutes: USUAL_MINUTES,
        conditions: { ...conditionsOf(options), ...(await sameInputs(base, source, options)) },
      };
      return await withStagedWork(kind, options, (work) =>
        new Tuning({ sources, source, base, vqgan, shape, size, known, work }).run(),
      );
    } finally {
      vqgan.dispose();
    }
  } finally {
    await source.close();
  }
}

function checkOptions({ minutes, rehearsal, decoderBelow }: TuneOptions): void {
  requireMinutes(NAME, minutes);
  if (rehearsal !== undefined && !(rehearsal >= 0 && rehearsal <= MOST_REHEARSAL))
    throw new ConfigError(`A tuning: expected rehearsal from 0 to ${MOST_REHEARSAL}, got ${rehearsal}.`);
  if (decoderBelow !== undefined && !(decoderBelow >= 0 && Number.isFinite(decoderBelow)))
    throw new ConfigError(
      `A tuning: expected decoderBelow to be a number of dB from 0, got ${decoderBelow}.`,
    );
}

/**
 * Opens what a tuning begins with. The caller disposes the VQGAN. Throws ConfigError or
 * CheckpointError for a model that can't be tuned or is damaged, DataError if it has no prompts.
 */
async function openBase(base: TuningBase, options: TuneOptions) {
  return openUndamaged(modelFiles(base.model), async () => {
    if (!existsSync(join(base.model, 'config.json')))
      throw new ConfigError(
        `${options.from}: expected the folder of a model, with config.json and its weights.`,
      );
    const settings = {
      init: base.model,
      vqgan: base.vqgan,
      train: [{ path: options.out }],
      rows: 1,
      steps: 1,
    };
    const start = await startingPoint(textSettings(settings), prngKey(0));
    const known = await knownPrompts(base, start, options);
    return { start, known, vqgan: await openWholeVqgan(base) };
  });
}

/** The prompts that can be rehearsed; none where nothing is, and none are known. */
async function knownPrompts(
  { model }: TuningBase,
  start: StartingPoint,
  { prompts, rehearsal }: TuneOptions,
): Promise<KnownPrompts> {
  try {
    return await promptsToRehearse(model, start, prompts);
  } catch (error) {
    if (rehearsal === 0 && prompts === undefined) return { prompts: [], from: 'given' };
    throw error;
  }
}

/** The settings that stay what they were when the tuning was begun. */
function conditionsOf({ out, rehearsal, decoderBelow, fit }: TuneOptions) {
  const setting = <Value extends string | number>(
    name: string,
    value: Value | undefined,
    usual: Value,
  ): Condition<Value> => ({
    value,
    usual,
    refusal: (before) =>
      new ConfigError(
        `${out}: its tuning was begun with --${name} ${before}, now ${value} is given. Leave --${name} out to go on, or choose a new folder.`,
      ),
  });
  return {
    rehearsal: setting('rehearsal', rehearsal, USUAL_REHEARSAL),
    decoderBelow: setting('decoder-below', decoderBelow, USUAL_DECODER_BELOW),
    fit: setting<string>('fit', fit, defaultPictureShape.fit),
  };
}

/** The conditions that pictures and model are those that the tuning was begun with. */
async function sameInputs(base: TuningBase, source: PictureSource, options: TuneOptions) {
  const { out, from } = options;
  const model: Condition<string> = {
    value: await digestOfFiles([...(await filesOf(base.model)), ...(await filesOf(base.vqgan))]),
    refusal: () =>
      new ConfigError(
        `${out}: its tuning was begun from another model than is in ${from} now. Choose a new folder.`,
      ),
  };
  return { pictures: samePictures(options, NAME, source), model };
}

async function filesOf(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => MODEL_FILE.test(name));
  return names.sort().map((name) => join(folder, name));
}

/** The parts of a tuning. */
interface TuningParts {
  readonly sources: readonly SourceSettings[];
  readonly source: PictureSource;
  readonly base: TuningBase;
  readonly vqgan: Vqgan;
  /** The tokens of the text model. */
  readonly shape: EncodingShape;
  /** Side of the pictures in pixels. */
  readonly size: number;
  readonly known: KnownPrompts;
  readonly work: StagedWork<TuneStage>;
}

/** One sitting of a tuning. */
class Tuning {
  private readonly parts: TuningParts;

  constructor(parts: TuningParts) {
    this.parts = parts;
  }

  async run(): Promise<TuneResult> {
    const { shape, known, work } = this.parts;
    const { out: model } = work.options;
    const complete = await work.run({
      encoded: () => this.encode(),
      rehearsed: () => this.rehearse(),
      decoder: () => this.learnDrawing(),
      seq2seq: () => this.learnText(),
    });
    if (complete) {
      await publishModel(work.at('seq2seq', 'model'), model);
      if (this.isDecoderTuned) await publishModel(work.at('decoder', 'model'), join(model, 'vqgan'));
    }
    const captions = complete ? (await readEncodedSet(work.at('encoded'), shape)).captions : [];
    return {
      complete,
      model,
      pictures: work.found('pictures') ?? 0,
      captions: spreadOver(captions, SHEET_PROMPTS),
      known: complete ? spreadOver(known.prompts, SHEET_PROMPTS) : [],
      rehearsed: work.found('rehearsed') ?? 0,
      psnr: work.found('psnr') ?? Number.NaN,
      tunedPsnr: work.found('tunedPsnr'),
      seconds: work.spent,
    };
  }

  private get share(): number {
    return this.parts.work.conditions.rehearsal as number;
  }

  private get isDecoderTuned(): boolean {
    return this.parts.work.found('tunedPsnr') !== undefined;
  }

  private get pictureShape(): PictureShape {
    const fit = this.parts.work.conditions.fit as PictureShape['fit'];
    return { ...defaultPictureShape, size: this.parts.size, fit };
  }

  private async encode(): Promise<boolean> {
    const { source, vqgan, work } = this.parts;
    if (source.length < USUAL_PICTURES)
      work.note(
        `${source.length} ${source.length === 1 ? 'picture is' : 'pictures are'} few: 20 to 200 are usual`,
      );
    const summary = await work.encode('encoded', source, vqgan, this.pictureShape);
    if (summary === undefined) return false;
    await work.keep('pictures', summary.pictures);
    await work.keep('rows', summary.rows);
    await work.keep('psnr', await this.psnrOf(vqgan));
    return true;
  }

  private psnrOf(vqgan: Vqgan): Promise<number> {
    const { source, work } = this.parts;
    return reconstructionPsnr(vqgan, source, this.pictureShape, work.options.signal);
  }

  private async rehearse(): Promise<boolean> {
    const { base, known, work } = this.parts;
    if (this.share === 0) {
      work.note('nothing is rehearsed: the model will forget what the captions do not name');
      return true;
    }
    if (known.from === 'words')
      work.note(
        `the model names no prompts of what it knows: ${known.prompts.length} of its words are drawn`,
      );
    const began = work.found('rehearsalBegan') ?? (await work.keep('rehearsalBegan', work.spent));
    const model = await openPictureModel(base.model, { vqgan: base.vqgan });
    try {
      const rehearsed = await rehearse(model, known.prompts, {
        out: work.at('rehearsed'),
        most: MOST_REHEARSED,
        isOver: () => work.spent - began > REHEARSAL_TIME * work.plannable,
        signal: work.options.signal,
        onDrawn: (drawn, of) => work.tell('rehearsed', drawn, of, 'drawings'),
      });
      await work.keep('rehearsed', rehearsed);
      const some = rehearsed < known.prompts.length ? ', as many as the time allows' : '';
      work.note(`${rehearsed} drawings of ${known.prompts.length} prompts${some}`);
      return true;
    } finally {
      model.dispose();
    }
  }

  /** Trains the decoder if its drawings of the pictures are poor. */
  private async learnDrawing(): Promise<boolean> {
    const { base, source, work } = this.parts;
    const psnr = work.found('psnr') as number;
    const below = work.conditions.decoderBelow as number;
    if (psnr >= below) {
      work.note(
        `the pictures come back from their tokens at ${psnr.toFixed(1)} dB, not below ${below}: the decoder stays`,
      );
      return true;
    }
    work.note(
      `the pictures come back from their tokens at ${psnr.toFixed(1)} dB, below ${below}: the decoder is trained, tokens stay`,
    );
    const train = await this.picturesToDraw();
    const sizes = { init: base.vqgan, fit: this.pictureShape.fit, pictures: source.length };
    const trial = decoderSettings(train, { ...sizes, steps: 1000 });
    const plan = async () => {
      const { time, pictures } = await planVqgan(trial, { signal: work.options.signal });
      return { time, samples: pictures.training };
    };
    const steps = await work.updates('decoderSteps', plan, {
      seconds: () => DECODER_TIME * work.plannable,
      batchSize: trial.batchSize,
      mostEpochs: MOST_EPOCHS.decoder,
      usual: USUAL_UPDATES.decoder,
    });
    if (steps === undefined) return false;
    const config = decoderSettings(train, { ...sizes, steps });
    if (!(await work.train('decoder', (run) => trainVqgan(config, run)))) return false;
    const tuned = await openVqgan(work.at('decoder', 'model'));
    try {
      const after = await work.keep('tunedPsnr', await this.psnrOf(tuned));
      work.note(`now they come back at ${after.toFixed(1)} dB (before: ${psnr.toFixed(1)})`);
    } finally {
      tuned.dispose();
    }
    return true;
  }

  /**
   * The pictures that the decoder learns to draw: the new ones, and as the share of rehearsal says
   * what it itself draws of the rehearsed tokens, so that it goes on drawing them so.
   */
  private async picturesToDraw(): Promise<SourceSettings[]> {
    const { sources, vqgan, shape, work } = this.parts;
    if (this.share === 0) return [...sources];
    const drawn = work.at('rehearsed', 'pictures');
    await drawRows(vqgan, await readEncodedSet(work.at('rehearsed'), shape), drawn);
    const weight = (1 - this.share) / sources.length;
    return [...sources.map((source) => ({ ...source, weight })), { path: drawn, weight: this.share }];
  }

  private async learnText(): Promise<boolean> {
    const { base, work } = this.parts;
    const own = work.found('rows') as number;
    const encoded = work.at('encoded');
    const train =
      this.share === 0
        ? [{ path: encoded }]
        : [
            { path: encoded, weight: 1 - this.share },
            { path: work.at('rehearsed'), weight: this.share },
          ];
    const rows = own + (work.found('rehearsed') ?? 0);
    const sizes = { init: base.model, vqgan: base.vqgan, train, rows };
    const trial = textSettings({ ...sizes, steps: 1000 });
    const plan = async () => {
      const { time } = await planSeq2Seq(trial, { signal: work.options.signal });
      return { time, samples: own / (1 - this.share) };
    };
    const steps = await work.updates('seq2seqSteps', plan, {
      seconds: () => work.plannable - work.spent,
      batchSize: trial.batchSize,
      mostEpochs: MOST_EPOCHS.seq2seq,
      usual: USUAL_UPDATES.seq2seq,
    });
    if (steps === undefined) return false;
    return work.train('seq2seq', (run) => trainSeq2Seq(textSettings({ ...sizes, steps }), run));
  }
}
