export {
  type ConvertDtype,
  type ConvertOptions,
  convertCheckpoint,
  convertToFlax,
  type FlaxTensor,
  type WrittenCheckpoint,
} from './checkpoint/convert.js';
export { HeldTensors, holdTensors } from './checkpoint/held-tensors.js';
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
export { asWriteError, makeFolder, writeFileAtomic, writeJson } from './checkpoint/write-file.js';
export { readJsonFile } from './config/config-file.js';
export { folderFiles, modelFiles } from './files/folder-files.js';
