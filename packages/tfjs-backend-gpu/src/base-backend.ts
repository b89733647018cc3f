import type { backend_util, DataStorage, DataType, KernelBackend, TensorInfo } from '@tensorflow/tfjs';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

// What this package leans on in tfjs's WebGPUBackend, private fields among it. base-backend.test.ts
// holds tfjs's class to it, so that another version of tfjs fails there and not in a training.

/** An opaque key of a tensor's data. */
export type DataId = TensorInfo['dataId'];

/** The data of a tensor as tfjs keeps it. */
export interface TensorData {
  /** The values, if they are on the CPU. */
  values: backend_util.BackendValues | null;
  dtype: DataType;
  shape: number[];
  refCount: number;
  /** The buffer, if the values are on the GPU. */
  resource?: GPUBuffer | null;
  external?: boolean;
  complexTensorInfos?: { real: TensorInfo; imag: TensorInfo };
}

/** A program of tfjs's own kernels. */
export interface TfjsProgram {
  readonly variableNames: string[];
  readonly outputShape: number[];
  readonly shaderKey: string;
  readonly dispatch: [number, number, number];
  /** Whether the number of outputs is a parameter. */
  readonly size?: boolean;
  readonly outputComponent?: number;
  /** Set for programs that read or draw pixels, which this package leaves to tfjs. */
  readonly pixelsOpType?: number;
  pipeline?: GPUComputePipeline;
}

/** Parameters of such a program: a vector each. */
export type ProgramParameters = readonly { readonly type: string; readonly data: number[] }[];

/** What acquires and releases buffers. */
export interface BufferManager {
  numBytesUsed: number;
  numBytesAllocated: number;
  acquireBuffer(
    size: number,
    usage: GPUBufferUsageFlags,
    mappedAtCreation?: boolean,
    reuse?: boolean,
  ): GPUBuffer;
  releaseBuffer(buffer: GPUBuffer, reuse?: boolean): void;
  getNumUsedBuffers(): number;
  getNumFreeBuffers(): number;
  dispose(): void;
}

/** tfjs's WebGPUBackend with the private fields that are used here. */
export interface BaseBackend extends KernelBackend {
  bufferManager: BufferManager;
  device: GPUDevice;
  queue: GPUQueue;
  tensorMap: DataStorage<TensorData>;
  /** Timers of tf.profile and tf.time, if one runs. */
  activeTimers?: unknown[];
  commandEncoder: GPUCommandEncoder | null;
  computePassEncoder: GPUComputePassEncoder | null;
  /** Data that may not go back to the pool before the next submit. */
  commandQueueOwnedIds: Pick<WeakSet<object>, 'add' | 'has'>;
  dispatchCountInPass: number;
  pipelineCache: Record<string, GPUComputePipeline | Promise<GPUComputePipeline>>;
  nextDataId(): number;
  submitQueue(): void;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  uploadToGPU(dataId: DataId): void;
  makeTensorInfo(
    shape: number[],
    dtype: DataType,
    values?: backend_util.BackendValues | string[] | null,
  ): TensorInfo;
  runWebGPUProgram(
    program: TfjsProgram,
    inputs: TensorInfo[],
    outputDtype: DataType,
    parameters?: ProgramParameters,
    output?: TensorInfo,
  ): TensorInfo;
  recordAndSubmit(
    program: TfjsProgram,
    output: TensorInfo,
    inputs: TensorInfo[],
    parameters?: ProgramParameters,
  ): void;
  releaseResource(dataId: DataId): void;
  refCount(dataId: DataId): number;
  incRef(dataId: DataId): void;
  disposeData(dataId: DataId, force?: boolean): boolean;
  write(values: backend_util.BackendValues, shape: number[], dtype: DataType): DataId;
  move(
    dataId: DataId,
    values: backend_util.BackendValues,
    shape: number[],
    dtype: DataType,
    refCount: number,
  ): void;
  read(dataId: DataId): Promise<backend_util.BackendValues>;
  readSync(dataId: DataId): backend_util.BackendValues;
  memory(): { numBytesInGPU: number; numBytesAllocatedInGPU: number; unreliable: boolean };
  dispose(): void;
}

/** tfjs's WebGPUBackend as a class to extend. TypeScript would refuse overrides of private methods. */
export const TfjsBackend = WebGPUBackend as new (
  device: GPUDevice,
  adapterInfo?: GPUAdapterInfo,
) => BaseBackend;
