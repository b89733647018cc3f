// Settings of a training run

export { parseSeq2SeqConfig, type Seq2SeqConfig } from './config/seq2seq-config.js';
export { parseVqganTrainingConfig, type VqganTrainingConfig } from './config/vqgan-config.js';
export {
  type CropPlace,
  cropPlace,
  decodePicture,
  defaultPictureShape,
  type PictureShape,
  readRgb,
} from './decoded/decode-picture.js';
export { decodeBatches, type PictureBatch } from './decoded/picture-batches.js';
export type { EncodingShape } from './encoded/checked-row.js';
export { type EncodedSet, readEncodedSet } from './encoded/encoded-set.js';
export { NO_FILTER, type RowFilter } from './encoded/row-filter.js';
export {
  type EncodedRow,
  readShard,
  type ShardColumns,
  type ShardFormat,
  writeShard,
} from './encoded/shards.js';
// Encoded sets
export {
  type CaptionScorer,
  describeFailures,
  type EncodeOptions,
  type EncodeProgress,
  type EncodeSummary,
  encodePictures,
} from './encoding/encode.js';
export { modelDigest } from './encoding/model-digest.js';
// Judging drawings
export {
  featureDistance,
  type GalleryPicture,
  nearestConcepts,
  pictureFeatures,
} from './judge/retrieval.js';
export { restoreOriginalState, saveOriginalCheckpoint } from './original/checkpoint.js';
export { originalDropoutKeys } from './original/dropout-keys.js';
export { optimizerGroup } from './original/optimizer-group.js';
export {
  ORIGINAL_STATE,
  originalStateLayout,
  readOriginalState,
  type StateLayout,
  type StateSubject,
  writeOriginalState,
} from './original/optimizer-state.js';
// Training
export { originalPartitions, type Partition } from './original/partitions.js';
export { permutedEpochs } from './original/permuted-epochs.js';
export {
  ORIGINAL_PREPARATIONS,
  type OriginalPreparation,
  prepareAsOriginal,
} from './original/picture-preparation.js';
export { epochGenerator, SHUFFLE_BUFFER, shuffleBuffer } from './original/shuffle-buffer.js';
export {
  evaluationBatches,
  fileRows,
  type LoadedRow,
  type LoaderSettings,
  type ShuffleSettings,
  type StreamedBatch,
  type StreamPosition,
  trainingBatches,
} from './original/streamed-loader.js';
export { type RunRecord, readRun } from './report/read-run.js';
export { runReport } from './report/run-report.js';
export { encodePng } from './run/encode-png.js';
export { createOptimizer, createSchedule } from './run/optimization.js';
export { TrainingError } from './run/training-error.js';
export type { TrainingEvent, TrainingOptions, TrainingResult } from './run/training-loop.js';
export type { Seq2SeqBatch } from './seq2seq/batches.js';
export { countedDropoutKeys, type DropoutKeys } from './seq2seq/dropout-keys.js';
export type { MemoryPlan } from './seq2seq/memory-plan.js';
export type { ParameterGroup } from './seq2seq/parameter-groups.js';
export { planSeq2Seq, type Seq2SeqPlan, type TimePlan } from './seq2seq/plan-seq2seq.js';
export {
  type MicroBatch,
  type StepOptions,
  seq2seqGradients,
  tokenLosses,
} from './seq2seq/seq2seq-step.js';
export { type StepSize, stepFlop } from './seq2seq/step-flop.js';
export { trainSeq2Seq } from './seq2seq/train-seq2seq.js';
export { isImageSide, trainedWeights } from './seq2seq/trained-weights.js';
// Pictures and captions
export { type CaptionRow, readCaptionList } from './sources/caption-list.js';
export { type MixedPart, type MixOptions, mixPictures } from './sources/mixed-pictures.js';
export { type OpenPicturesOptions, openPictures, type SourceSettings } from './sources/open-pictures.js';
export { openParquetPictures, type ParquetPicturesOptions } from './sources/parquet-pictures.js';
export { openPictureFolder, type PictureFolderOptions } from './sources/picture-folder.js';
export {
  type CaptionedPicture,
  type FailureKind,
  PictureError,
  type PictureSource,
  type ReadRange,
  type SkippedPicture,
} from './sources/picture-source.js';
export { openWebDataset, type WebDatasetOptions } from './sources/web-dataset.js';
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
export { trainVqgan } from './vqgan/train-vqgan.js';
