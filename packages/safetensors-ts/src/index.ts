// A file's bytes to tensors and back.

export {
  deserialize,
  type Layout,
  layOut,
  type Metadata,
  serialize,
  type TensorData,
  type TensorEntry,
  TensorView,
} from './bytes.js';

// Files of any size, read in ranges; files on disk are in the node entry.

export { type ByteFile, memoryFile } from './byte-file.js';
export { SafetensorsFile, type TensorPlace } from './file.js';
export { parseIndex, ShardedSafetensors, type ShardIndex } from './sharded.js';

// Values of a tensor.

export {
  type FloatDtype,
  fromFloat32,
  type RawTensor,
  type TensorArray,
  toFloat32,
  typedArray,
} from './floats.js';

// Dtypes, and how many bytes they take.

export { byteLength, DTYPE_BITS, DTYPES, type Dtype, elementCount, isDtype } from './dtypes.js';

// The header alone.

export { type Header, MAX_HEADER_BYTES, parseHeader, parseHeaderLength, type TensorInfo } from './header.js';

// Errors: what is wrong, and where in the file.

export { SafetensorsError, type SafetensorsErrorDetails, type SafetensorsErrorKind } from './errors.js';
