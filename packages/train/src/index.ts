// Settings of a training run

export type { Seq2SeqBatch } from './batches.js';
export { readJsonFile, withAssignments } from './config/fields.js';
export { parseSeq2SeqConfig, type Seq2SeqConfig } from './config/seq2seq-config.js';
export { parseVqganTrainingConfig, type VqganTrainingConfig } from './config/vqgan-config.js';
// Pictures and captions
export { type CaptionRow, readCaptionList } from './data/caption-list.js';
export type { EncodingShape } from './data/checked-row.js';
export {
  type CropPlace,
  cropPlace,
  decodePicture,
  defaultPictureShape,
  type PictureShape,
  readRgb,
} from './data/decode-picture.js';

// Encoded sets
export {
  type CaptionScorer,
  describeFailures,
  type EncodeOptions,
  type EncodeProgress,
  type EncodeSummary,
  encodePictures,
} from './data/encode.js';
export { type EncodedSet, readEncodedSet } from './data/encoded-set.js';
export { type MixedPart, type MixOptions, mixPictures } from './data/mixed-pictures.js';
export { type OpenPicturesOptions, openPictures, type SourceSettings } from './data/open-pictures.js';
export {
  ORIGINAL_PREPARATIONS,
  type OriginalPreparation,
  prepareAsOriginal,
} from './data/original-preparation.js';
export { openParquetPictures, type ParquetPicturesOptions } from './data/parquet-pictures.js';
export { permutedEpochs } from './data/permuted-epochs.js';
export { decodeBatches, type PictureBatch, type SkippedPicture } from './data/picture-batches.js';
export { openPictureFolder, type PictureFolderOptions } from './data/picture-folder.js';
export {
  type CaptionedPicture,
  type FailureKind,
  PictureError,
  type PictureSource,
  type ReadRange,
} from './data/picture-source.js';
export { NO_FILTER, type RowFilter } from './data/row-filter.js';
export {
  type EncodedRow,
  readShard,
  type ShardColumns,
  type ShardFormat,
  writeShard,
} from './data/shards.js';
export { epochGenerator, SHUFFLE_BUFFER, shuffleBuffer } from './data/shuffle-buffer.js';
export {
  evaluationBatches,
  fileRows,
  type LoadedRow,
  type LoaderSettings,
  type ShuffleSettings,
  type StreamedBatch,
  type StreamPosition,
  trainingBatches,
} from './data/streamed-loader.js';
export { openWebDataset, type WebDatasetOptions } from './data/web-dataset.js';
export { countedDropoutKeys, type DropoutKeys, originalDropoutKeys } from './dropout-keys.js';
export type { MemoryPlan } from './memory-plan.js';
export { createOptimizer, createSchedule } from './optimization.js';
export { restoreOriginalState, saveOriginalCheckpoint } from './original-checkpoint.js';
export {
  ORIGINAL_STATE,
  originalStateLayout,
  readOriginalState,
  type StateLayout,
  type StateSubject,
  writeOriginalState,
} from './original-state.js';
export type { ParameterGroup } from './parameter-groups.js';
// Training
export { originalPartitions, type Partition } from './partitions.js';
export { planSeq2Seq, type Seq2SeqPlan, type TimePlan } from './plan-seq2seq.js';
export { type RunRecord, readRun } from './report/read-run.js';
export { runReport } from './report/run-report.js';
// Judging drawings
export { featureDistance, type GalleryPicture, nearestConcepts, pictureFeatures } from './retrieval.js';
export {
  type MicroBatch,
  type StepOptions,
  seq2seqGradients,
  tokenLosses,
} from './seq2seq-step.js';
export { type StepSize, stepFlop } from './step-flop.js';
// Sweeps
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
export { trainSeq2Seq } from './train-seq2seq.js';
export { trainVqgan } from './train-vqgan.js';
export { isImageSide, optimizerGroup, trainedWeights } from './trained-weights.js';
export {
  TrainingError,
  type TrainingEvent,
  type TrainingOptions,
  type TrainingResult,
} from './training-loop.js';
