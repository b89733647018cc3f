import { backend_util, type DataType, type TensorInfo } from '@tensorflow/tfjs';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';

type DataId = TensorInfo['dataId'];

/**
 * Takes complex numbers over from another backend, which hands out real and imaginary parts in
 * turn. A backend like cpu keeps the parts as two tensors, which the complex one owns.
 */
export function moveComplex(
  backend: MathBackendCPU,
  dataId: DataId,
  values: Float32Array,
  shape: number[],
  refCount: number,
): void {
  const { real, imag } = backend_util.splitRealAndImagArrays(values);
  const part = (numbers: Float32Array): TensorInfo => backend.makeTensorInfo(shape, 'float32', numbers);
  const complexTensorInfos = { real: part(real), imag: part(imag) };
  const none = undefined as unknown as backend_util.BackendValues;
  backend.data.set(dataId, { values: none, dtype: 'complex64', refCount, complexTensorInfos });
}

/**
 * Teaches tfjs's cpu backend to take complex numbers over. By itself it stores them as they come,
 * without the two tensors from which it later reads them. A complex tensor that is used after a
 * change of backend then ends in a TypeError (tfjs issue 277). Only that case changes.
 */
export function mendComplexMovesToCpu(): void {
  const prototype = MathBackendCPU.prototype;
  const own = prototype.move;
  prototype.move = function (
    this: MathBackendCPU,
    dataId: DataId,
    values: backend_util.BackendValues,
    shape: number[],
    dtype: DataType,
    refCount: number,
  ): void {
    if (dtype === 'complex64') moveComplex(this, dataId, values as Float32Array, shape, refCount);
    else own.call(this, dataId, values, shape, dtype, refCount);
  };
}
