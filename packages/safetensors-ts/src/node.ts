export { writeAll, writeAtomically } from './atomic-file.js';
export {
  readFully,
  SafetensorsFile,
  type TensorChunks,
  writeSafetensors,
  writeSafetensorsBy,
} from './file.js';
export {
  cutIntoShards,
  readIndex,
  ShardedSafetensors,
  type ShardIndex,
  type ShardOptions,
  shardName,
  writeSharded,
  writeShards,
} from './sharded.js';
