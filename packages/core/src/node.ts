// Checkpoints on disk: every format, opened by its name.

export { CHECKPOINT_NAMES } from './checkpoint/open.js';
export { openCheckpoint } from './checkpoint/open-path.js';
export { readSafetensors } from './checkpoint/read-safetensors.js';

// Readers of Flax's and PyTorch's files in memory. openWeights of the main entry loads the reader
// that it needs, so that a page without such files does not carry them.

export { fromMsgpack } from './checkpoint/msgpack.js';
export { fromTorch } from './checkpoint/torch.js';

// Writing tensors, whole or not at all. Held tensors are written while a program goes on.

export { HeldTensors, holdTensors } from './checkpoint/held-tensors.js';
export { type MsgpackWriteOptions, writeMsgpack, writeShardedMsgpack } from './checkpoint/msgpack-writer.js';
export {
  type ArrayToSave,
  type SaveModelOptions,
  type SaveOptions,
  saveMsgpack,
  saveSafetensors,
} from './checkpoint/save.js';

// Conversion between formats, one tensor at a time.

export {
  type ConvertDtype,
  type ConvertOptions,
  convertCheckpoint,
  convertToFlax,
  type FloatConversion,
  type WrittenCheckpoint,
} from './checkpoint/convert.js';

// A model's files in a folder on disk.

export { folderFiles, modelFiles } from './files/folder-files.js';

// Settings in a JSON file.

export { readJsonFile } from './config/config-file.js';
