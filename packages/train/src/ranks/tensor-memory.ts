import * as tf from '@tensorflow/tfjs';

/** What a backend offers whose float32 tensors lie in memory that can be read and written. */
interface InPlaceBackend {
  /** Whether nobody else sees a change of the tensor's memory. */
  isExclusive(tensor: tf.Tensor): boolean;
  float32(tensor: tf.Tensor): Float32Array;
}

function inPlaceBackend(): InPlaceBackend | undefined {
  const backend = tf.backend() as Partial<InPlaceBackend>;
  return backend.isExclusive && backend.float32 ? (backend as InPlaceBackend) : undefined;
}

/** A tensor whose numbers the ranks change together. */
export interface SharedTensor {
  /** Its numbers, which may be changed until `done`. */
  readonly memory: Float32Array;
  /** The tensor with the changed numbers. The caller disposes it. */
  done(): tf.Tensor;
}

/**
 * Lends the memory of a float32 tensor, which must not be used meanwhile, and disposes the tensor if
 * another takes its place. On the native backend it is the tensor's own memory, unless another tensor
 * lies on it; elsewhere it is a copy.
 */
export function shareTensor(tensor: tf.Tensor): SharedTensor {
  const backend = inPlaceBackend();
  if (backend === undefined) {
    const memory = Float32Array.from(tensor.dataSync());
    const { shape } = tensor;
    tensor.dispose();
    return { memory, done: () => tf.tensor(memory, shape, 'float32') };
  }
  if (backend.isExclusive(tensor)) return { memory: backend.float32(tensor), done: () => tensor };
  const own = tf.tidy(() => tf.add(tensor, -0)); // −0 changes no number, not even −0
  tensor.dispose();
  return { memory: backend.float32(own), done: () => own };
}

/** The numbers of a tensor to read: its own memory where the backend has it, else a copy. */
export function readTensor(tensor: tf.Tensor): Float32Array | Int32Array {
  const backend = inPlaceBackend();
  return backend !== undefined && tensor.dtype === 'float32'
    ? backend.float32(tensor)
    : (tensor.dataSync() as Float32Array | Int32Array);
}
