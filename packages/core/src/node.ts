// Readers of Flax's and PyTorch's files in memory. A page that never meets such a file should not carry them: there
// `openWeights(memoryFiles(…))` of the main entry loads the one that it needs.

export {
  type ConvertDtype,
  type ConvertOptions,
  convertCheckpoint,
  convertToFlax,
  type FlaxTensor,
  type WrittenCheckpoint,
} from './checkpoint/convert.js';
export { HeldTensors, holdTensors } from './checkpoint/held-tensors.js';
export { fromMsgpack } from './checkpoint/msgpack.js';
export { type MsgpackWriteOptions, writeMsgpack, writeShardedMsgpack } from './checkpoint/msgpack-writer.js';
export { CHECKPOINT_NAMES } from './checkpoint/open.js';
export { openCheckpoint } from './checkpoint/open-path.js';
export { readSafetensors } from './checkpoint/read-safetensors.js';
export {
  type ArrayToSave,
  type SaveModelOptions,
  type SaveOptions,
  saveMsgpack,
  saveSafetensors,
} from './checkpoint/save.js';
export { fromTorch } from './checkpoint/torch.js';
export { asWriteError, makeFolder, writeFileAtomic, writeJson } from './checkpoint/write-file.js';
export { readJsonFile } from './config/config-file.js';
export { folderFiles, modelFiles } from './files/folder-files.js';
