export {
  type ConvertDtype,
  type ConvertOptions,
  convertCheckpoint,
  convertToFlax,
  type FlaxTensor,
  type WrittenCheckpoint,
} from './checkpoint/convert.js';
export { HeldTensors, holdTensors } from './checkpoint/held-tensors.js';
export { MsgpackFile, openMsgpackIndex } from './checkpoint/msgpack-file.js';
export { type MsgpackWriteOptions, writeMsgpack, writeShardedMsgpack } from './checkpoint/msgpack-writer.js';
export { CHECKPOINT_NAMES, openCheckpoint } from './checkpoint/open.js';
export { openSafetensors, openSafetensorsIndex, readSafetensors } from './checkpoint/safetensors-file.js';
export {
  type ArrayToSave,
  type SaveOptions,
  saveMsgpack,
  saveSafetensors,
} from './checkpoint/save.js';
export { TorchFile } from './checkpoint/torch-file.js';
export { asWriteError, writeFileAtomic } from './checkpoint/write-file.js';
export { parseJson, readJsonFile, readTextIfThere, readTokenizerFiles } from './config/config-file.js';
