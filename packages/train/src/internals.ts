// Only the packages of this repository use this entry. Its exports may change in any release.

export { readRgb } from './decoded/read-rgb.js';
export { NO_FILTER, type RowFilter } from './encoded/row-filter.js';
export { modelDigest } from './encoding/model-digest.js';
export { lockFolder } from './lock/folder-lock.js';
export { originalDropoutKeys } from './original/dropout-keys.js';
export { optimizerGroup } from './original/optimizer-group.js';
export {
  ORIGINAL_STATE,
  originalStateLayout,
  readOriginalState,
  type StateSubject,
  writeOriginalState,
} from './original/optimizer-state.js';
export { originalPartitions } from './original/partitions.js';
export { permutedEpochs } from './original/permuted-epochs.js';
export {
  ORIGINAL_PREPARATIONS,
  type OriginalPreparation,
  prepareAsOriginal,
} from './original/picture-preparation.js';
export { epochGenerator, shuffleBuffer } from './original/shuffle-buffer.js';
export {
  evaluationBatches,
  fileRows,
  type LoadedRow,
  type LoaderSettings,
  type ShuffleSettings,
  trainingBatches,
} from './original/streamed-loader.js';
export { measureRanks } from './ranks/plan-ranks.js';
export { differences, Ranks } from './ranks/ranks.js';
export type { Seq2SeqBatch } from './seq2seq/batches.js';
export { seq2seqGradients, tokenLosses } from './seq2seq/seq2seq-step.js';
export { isImageSide, trainedWeights } from './seq2seq/trained-weights.js';
export { digestOfFiles } from './sources/file-digest.js';
export { isModule } from './sources/open-module.js';
export { archiveKind, sourcePaths } from './sources/source-paths.js';
export { publishModel } from './stages/publish-model.js';
export { alignedLines } from './sweep/sweep-table.js';
