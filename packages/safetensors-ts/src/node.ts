export { writeAll, writeAtomically } from './atomic-file.js';
export { readFully, SafetensorsFile, type TensorChunks, writeSafetensors } from './file.js';
export {
  readIndex,
  ShardedSafetensors,
  type ShardIndex,
  type ShardOptions,
  writeSharded,
} from './sharded.js';
