// Training runs: settings, the two trainings, and their events.

export type { RunLength } from './config/run-length.js';
export { parseSeq2SeqConfig, type Seq2SeqConfig } from './config/seq2seq-config.js';
export { parseVqganTrainingConfig, type VqganTrainingConfig } from './config/vqgan-config.js';
export type { LoadingEvent } from './run/loading.js';
export { isRun, modelOfRun } from './run/model-of-run.js';
export { OtherSettingsError } from './run/other-settings-error.js';
export { TrainingError } from './run/training-error.js';
export type { TrainingEvent, TrainingOptions, TrainingResult } from './run/training-loop.js';
export { trainSeq2Seq } from './seq2seq/train-seq2seq.js';
export { trainVqgan } from './vqgan/train-vqgan.js';

// All of it in one: from captioned pictures to a model.

export {
  LEARN_STAGES,
  type LearnEvent,
  type LearnOptions,
  type LearnResult,
  type LearnStage,
  learn,
} from './learn/learn.js';

// Tuning: a model learns further pictures and keeps what it knew.

export {
  TUNE_STAGES,
  type TuneEvent,
  type TuneOptions,
  type TuneResult,
  type TuneStage,
  tune,
} from './tune/tune.js';

// Plans: the memory and time that a run will take.

export type { MeasuredRanks, RanksPlan } from './ranks/plan-ranks.js';
export type { MemoryPlan, ParameterGroup, PlanOptions, TimePlan, TrainingPlan } from './run/training-plan.js';
export { planSeq2Seq, type Seq2SeqPlan } from './seq2seq/plan-seq2seq.js';
export { planVqgan, type VqganPlan } from './vqgan/plan-vqgan.js';

// Pictures with captions: folders, lists, tar shards, parquet files, programs, and mixtures of them.

export { decodePicture, defaultPictureShape, type PictureShape } from './decoded/decode-picture.js';
export { type CaptionRow, readCaptionList } from './sources/caption-list.js';
export type { GeneratedPicture, GeneratorModule, PictureGenerator } from './sources/generated-pictures.js';
export type { LeftOut, LeftOutKind } from './sources/left-out.js';
export { type MixedPart, type MixOptions, mixPictures } from './sources/mixed-pictures.js';
export type { ModuleOption, OpenableModule } from './sources/open-module.js';
export { type OpenPicturesOptions, openPictures, type SourceSettings } from './sources/open-pictures.js';
export { openParquetPictures, type ParquetPicturesOptions } from './sources/parquet-pictures.js';
export { openPictureFolder, type PictureFolderOptions } from './sources/picture-folder.js';
export {
  type CaptionedPicture,
  type CaptionLines,
  type FailureKind,
  PictureError,
  type PictureSource,
  type ReadRange,
  type SkippedPicture,
} from './sources/picture-source.js';
export { openWebDataset, type WebDatasetOptions } from './sources/web-dataset.js';

// Encoded sets: pictures turned into tokens, once.

export type { EncodingShape } from './encoded/checked-row.js';
export { type EncodedSet, readEncodedSet } from './encoded/encoded-set.js';
export {
  type EncodedRow,
  readShard,
  type ShardColumns,
  type ShardFormat,
  writeShard,
} from './encoded/shards.js';
export {
  type CaptionScorer,
  describeFailures,
  type EncodeOptions,
  type EncodeProgress,
  type EncodeSummary,
  encodePictures,
} from './encoding/encode.js';

// Reports of runs.

export { type RunRecord, readRun } from './report/read-run.js';
export { runReport } from './report/run-report.js';

// Sweeps: a run repeated with other settings.

export { drawingKind } from './sweep/drawing-kind.js';
export {
  type PlannedSweep,
  planSweep,
  runSweep,
  type SweepEvent,
  type SweepOptions,
  type SweepResult,
} from './sweep/run-sweep.js';
export { parseSweepConfig, type SweepConfig } from './sweep/sweep-config.js';
export type { SweepKind, SweepRunOptions } from './sweep/sweep-kind.js';
export { isSweep, readSweep, writeSweepReport } from './sweep/sweep-report.js';
export type { RunRecord as SweepRunRecord, SettingResult } from './sweep/sweep-results.js';
export { tableText } from './sweep/sweep-table.js';
export { seq2seqKind, vqganKind } from './sweep/training-kind.js';

// Judging drawings: by the pictures nearest to them, and by what they are compared with.

export {
  type CompareWeightsOptions,
  compareWeights,
  type WeightComparison,
} from './judge/compare-weights.js';
export { type DrawJudgedOptions, drawJudged } from './judge/draw-judged.js';
export { type Drawings, type Judgement, judgeDrawings, type Miss } from './judge/judge-drawings.js';
export { type JudgedSample, type JudgeOptions, type JudgeResult, judgeModel } from './judge/judge-model.js';
export { type JudgedCaptions, judgedCaptions } from './judge/judged-captions.js';
export { type JudgedPrompt, type JudgedPrompts, openJudgedPrompts } from './judge/judged-prompts.js';
export type { JudgedRow, PromptVerdicts } from './judge/judged-rows.js';
export type { Comparison, ContrastedPrompt, JudgedModule, JudgedSet } from './judge/judged-set.js';
export { openJudgedSet } from './judge/open-judged-set.js';
export { featureDistance, type GalleryPicture, nearestConcepts, pictureFeatures } from './judge/retrieval.js';

// Runs that move between the original's trainer and Easel.

export { restoreOriginalState, saveOriginalCheckpoint } from './original/checkpoint.js';
