import { backend_util, type DataType, type TensorInfo, util } from '@tensorflow/tfjs';
import {
  type DataId,
  type ProgramParameters,
  type TensorData,
  TfjsBackend,
  type TfjsProgram,
} from './base-backend.js';
import { BufferPool, type GpuMemoryUsage } from './buffer-pool.js';
import { type Dispatch, Dispatcher, type Layout, parametersLayout } from './dispatcher.js';
import { describeKernel, formatBytes, GpuError, type RunningKernel } from './gpu-error.js';
import { idleWait } from './idle-wait.js';

const inNode = typeof process !== 'undefined' && process.versions?.node !== undefined;

/** Buffers for reads of this many bytes are kept for the next read. */
const KEPT_READ_BYTES = 1 << 16;

/** How long a read waits for the message of a device that is gone. */
const LOST_WAIT_MS = 1000;

/** Data is never owned by recorded commands: see BufferPool. */
const OWNS_NOTHING = { add: () => {}, has: () => false };

type NumericArray = Float32Array | Int32Array | Uint8Array;

/**
 * Backend 'gpu': tfjs's WebGPUBackend with another dispatcher, another allocator, reads that leave
 * nothing behind, and errors that stop the program.
 *
 * An error of the GPU (an invalid command, no memory, a device that is gone) is kept and thrown by
 * the next read, and by all later ones: after it no value can be trusted.
 */
export class GpuBackend extends TfjsBackend {
  readonly pool: BufferPool;
  readonly dispatcher: Dispatcher;
  /** The first error of the GPU, if there was one. */
  failure: GpuError | undefined;
  private running: RunningKernel | undefined;
  private compiling: Layout | undefined;
  private isDisposed = false;

  constructor(device: GPUDevice, adapterInfo?: GPUAdapterInfo) {
    super(device, adapterInfo);
    this.bufferManager.dispose();
    this.pool = new BufferPool({
      create: (size, usage, mapped) => this.createBuffer(size, usage, mapped),
      flush: () => this.dispatcher.flush(),
      forget: (buffer) => this.dispatcher.forget(buffer),
    });
    this.bufferManager = this.pool;
    Object.defineProperty(this, 'commandQueueOwnedIds', { get: () => OWNS_NOTHING, set: () => {} });
    this.dispatcher = new Dispatcher(this);
    this.useOwnLayouts();
    device.addEventListener('uncapturederror', (event) => {
      event.preventDefault();
      this.fail((event as GPUUncapturedErrorEvent).error);
    });
    void device.lost.then(({ reason, message }) => {
      if (this.isDisposed) return;
      this.failure ??= new GpuError(
        'lost',
        `the GPU is gone (${reason}): ${message}. Start the program again; a training goes on from its last checkpoint.`,
      );
    });
    if (!inNode) this.openErrorScopes();
  }

  /**
   * Runs a kernel whose name, inputs and bytes errors are to tell. Errors that it throws get them.
   */
  named<T>(kernel: RunningKernel, run: () => T): T {
    const before = this.running;
    this.running = kernel;
    try {
      return run();
    } catch (error) {
      if (!(error instanceof GpuError) || error.kind !== 'limit' || error.cause !== undefined) throw error;
      throw new GpuError('limit', `${describeKernel(kernel)}: ${error.message}`, { cause: error });
    } finally {
      this.running = before;
    }
  }

  /** A new tensor on the GPU, with unspecified contents. */
  allocate(shape: number[], dtype: DataType = 'float32'): TensorInfo {
    const info = this.makeTensorInfo(shape, dtype, null);
    this.uploadToGPU(info.dataId);
    return info;
  }

  /** The same data under another shape: one reference more. */
  alias(info: TensorInfo, shape: number[], dtype: DataType = info.dtype): TensorInfo {
    this.incRef(info.dataId);
    return { dataId: info.dataId, shape, dtype };
  }

  /** Records a run of a compute shader. */
  dispatch(dispatch: Dispatch): void {
    this.dispatcher.run(dispatch);
  }

  /** Records a copy of a whole tensor's data. Both have one size. */
  copy(from: TensorInfo, to: TensorInfo): void {
    this.uploadToGPU(from.dataId);
    const source = this.tensorMap.get(from.dataId).resource as GPUBuffer;
    const target = this.tensorMap.get(to.dataId).resource as GPUBuffer;
    this.endComputePassEncoder();
    this.ensureCommandEncoderReady();
    const bytes = 4 * util.sizeFromShape(from.shape);
    (this.commandEncoder as GPUCommandEncoder).copyBufferToBuffer(source, 0, target, 0, bytes);
  }

  /**
   * Gives all buffers that are kept for reuse back to the system. Returns their bytes.
   */
  trim(): number {
    return this.pool.trim();
  }

  /** Waits until the GPU has done all that was asked of it. Throws what failed. */
  async finish(): Promise<void> {
    this.dispatcher.flush();
    await idleWait(this.device.queue.onSubmittedWorkDone());
    await this.settleErrors();
  }

  /** Stores a copy of the caller's values. */
  override write(values: backend_util.BackendValues, shape: number[], dtype: DataType): DataId {
    return super.write(copied(values), shape, dtype);
  }

  override move(
    dataId: DataId,
    values: backend_util.BackendValues,
    shape: number[],
    dtype: DataType,
    refCount: number,
  ): void {
    super.move(dataId, copied(values), shape, dtype, refCount);
  }

  override uploadToGPU(dataId: DataId): void {
    const { resource, values } = this.tensorMap.get(dataId);
    if (resource == null && values != null) {
      this.dispatcher.counts.uploads += 1;
      this.dispatcher.counts.uploadBytes += 4 * values.length;
    }
    super.uploadToGPU(dataId);
  }

  override submitQueue(): void {
    this.dispatcher.beforeSubmit();
    super.submitQueue();
  }

  /**
   * A copy of a tensor's values. The GPU's memory for the read is given back, and nothing is kept
   * beside the tensor. Throws GpuError if anything has failed on the GPU since it was started.
   */
  override async read(dataId: DataId): Promise<backend_util.BackendValues> {
    if (!this.tensorMap.has(dataId)) throw new Error('data(): the tensor has been disposed.');
    const data = this.tensorMap.get(dataId);
    const { values, dtype, complexTensorInfos } = data;
    if (values != null || dtype === 'string') return copied(values as backend_util.BackendValues);
    if (complexTensorInfos !== undefined) {
      const { real, imag } = complexTensorInfos;
      const parts = await Promise.all([this.read(real.dataId), this.read(imag.dataId)]);
      return backend_util.mergeRealAndImagArrays(parts[0] as Float32Array, parts[1] as Float32Array);
    }
    return this.download(data);
  }

  /**
   * Values that are on the CPU. In Node nothing can wait for the GPU: throws GpuError. A page can, and
   * takes as long as tfjs takes there.
   */
  override readSync(dataId: DataId): backend_util.BackendValues {
    const data = this.tensorMap.get(dataId);
    if (data.values != null || data.dtype === 'string')
      return copied(data.values as backend_util.BackendValues);
    if (inNode)
      throw new GpuError(
        'synchronous-read',
        `dataSync, arraySync and bufferSync cannot wait for values on the GPU in Node (${data.dtype} [${data.shape}]). ` +
          'Write "await tensor.data()", "await tensor.array()" or "await tensor.buffer()".',
      );
    const values = super.readSync(dataId);
    if (data.resource != null) data.values = null;
    const size = util.sizeFromShape(data.shape);
    return values.length === size ? values : (values as Float32Array).slice(0, size);
  }

  override runWebGPUProgram(
    program: TfjsProgram,
    inputs: TensorInfo[],
    outputDtype: DataType,
    parameters?: ProgramParameters,
    output?: TensorInfo,
  ): TensorInfo {
    if (program.pixelsOpType !== undefined)
      return super.runWebGPUProgram(program, inputs, outputDtype, parameters, output);
    const shapes = [...inputs.map(({ shape }) => shape), output?.shape ?? program.outputShape];
    const all = programParameters(program, shapes, parameters);
    this.compiling = this.dispatcher.tfjsLayout(program, parametersLayout(all));
    try {
      return super.runWebGPUProgram(program, inputs, outputDtype, parameters, output);
    } finally {
      this.compiling = undefined;
    }
  }

  override recordAndSubmit(
    program: TfjsProgram,
    output: TensorInfo,
    inputs: TensorInfo[],
    parameters?: ProgramParameters,
  ): void {
    if (program.pixelsOpType !== undefined) {
      super.recordAndSubmit(program, output, inputs, parameters);
      return;
    }
    const shapes = [...inputs, output].map(({ shape }) => shape);
    this.dispatcher.runTfjs(program, output, inputs, programParameters(program, shapes, parameters));
  }

  /** The bytes of tensors and of buffers. tf.memory() passes them on. */
  override memory(): {
    numBytesInGPU: number;
    numBytesAllocatedInGPU: number;
    unreliable: boolean;
    gpu: GpuMemoryUsage;
  } {
    return { ...super.memory(), gpu: this.pool.usage() };
  }

  /** Times f until the GPU has done it, for tf.time and tf.profile. */
  override async time(
    f: () => void,
  ): Promise<{ kernelMs: number; wallMs: number; getExtraProfileInfo(): string }> {
    this.dispatcher.flush();
    const done = () => idleWait(this.device.queue.onSubmittedWorkDone()).then(() => performance.now());
    const called = performance.now();
    const idle = done();
    f();
    this.dispatcher.flush();
    const end = await done();
    const kernelMs = end - Math.max(called, await idle);
    return { kernelMs, wallMs: kernelMs, getExtraProfileInfo: () => 'gpu' };
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.isDisposed = true;
    super.dispose();
    this.device.destroy();
  }

  /** Compiles tfjs's programs with layouts in which the parameters' offset changes. */
  private useOwnLayouts(): void {
    const { device } = this;
    const create = device.createComputePipeline.bind(device);
    device.createComputePipeline = (descriptor) => {
      const layout = this.compiling;
      if (layout === undefined || descriptor.layout !== 'auto') return create(descriptor);
      const pipeline = create({ ...descriptor, layout: layout.pipelineLayout });
      this.dispatcher.adopt(pipeline, layout);
      return pipeline;
    };
  }

  private createBuffer(size: number, usage: GPUBufferUsageFlags, mapped: boolean): GPUBuffer {
    const { maxBufferSize } = this.device.limits;
    if (size > maxBufferSize)
      throw new GpuError(
        'limit',
        `a buffer of ${formatBytes(size)} is beyond what this device makes (${formatBytes(maxBufferSize)}, maxBufferSize)`,
      );
    const { running } = this;
    const label = running === undefined ? 'tensor' : running.kernelName;
    this.device.pushErrorScope('out-of-memory');
    let buffer: GPUBuffer;
    try {
      buffer = this.device.createBuffer({ label, size, usage, mappedAtCreation: mapped });
    } catch (error) {
      void this.device.popErrorScope();
      throw this.outOfMemory(size, running, (error as Error).message);
    }
    this.device.popErrorScope().then(
      (error) => {
        if (error !== null) this.failure ??= this.outOfMemory(size, running, error.message);
      },
      () => {}, // the device is gone, which `lost` tells
    );
    return buffer;
  }

  private outOfMemory(size: number, running: RunningKernel | undefined, message: string): GpuError {
    const { allocated } = this.pool.usage();
    const where = running === undefined ? '' : `${describeKernel(running)}: `;
    return new GpuError(
      'out-of-memory',
      `${where}no GPU memory for ${formatBytes(size)} beside ${formatBytes(allocated)} that are allocated. ${message.split('\n')[0]}`,
    );
  }

  private fail(error: GPUError): void {
    const kind =
      typeof GPUOutOfMemoryError !== 'undefined' && error instanceof GPUOutOfMemoryError
        ? 'out-of-memory'
        : typeof GPUValidationError !== 'undefined' && error instanceof GPUValidationError
          ? 'validation'
          : 'internal';
    const where = this.running === undefined ? '' : `${describeKernel(this.running)}: `;
    this.failure ??= new GpuError(kind, `${where}${error.message.trim()}`);
  }

  /** Catches errors in a browser, whose event would come after the read that they belong to. */
  private openErrorScopes(): void {
    for (const filter of ['internal', 'validation'] as const) this.device.pushErrorScope(filter);
  }

  private async settleErrors(): Promise<void> {
    if (!inNode && this.failure === undefined) {
      const found = [this.device.popErrorScope(), this.device.popErrorScope()];
      this.openErrorScopes();
      for (const error of await Promise.all(found)) if (error !== null) this.fail(error);
    }
    if (this.failure !== undefined) throw this.failure;
  }

  private async download(data: TensorData): Promise<NumericArray> {
    const { dtype, shape, resource } = data;
    const size = util.sizeFromShape(shape);
    if (size === 0 || resource == null) return util.getTypedArrayFromDType(dtype as 'float32', size);
    const bytes = 4 * size;
    this.dispatcher.counts.reads += 1;
    this.dispatcher.counts.readBytes += bytes;
    const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ;
    const keep = bytes <= KEPT_READ_BYTES;
    const staging = this.pool.acquireBuffer(bytes, usage, false, keep);
    this.endComputePassEncoder();
    this.ensureCommandEncoderReady();
    (this.commandEncoder as GPUCommandEncoder).copyBufferToBuffer(resource, 0, staging, 0, bytes);
    this.submitQueue();
    try {
      await idleWait(staging.mapAsync(GPUMapMode.READ, 0, bytes));
    } catch (error) {
      await Promise.race([this.device.lost, new Promise((done) => setTimeout(done, LOST_WAIT_MS))]);
      throw this.failure ?? new GpuError('internal', `a read failed: ${(error as Error).message}`);
    }
    const words = staging.getMappedRange(0, bytes);
    const values = arrayOf(dtype, words);
    staging.unmap();
    this.pool.releaseBuffer(staging, keep);
    await this.settleErrors();
    return values;
  }
}

/** A copy of a mapped range as an array of a dtype. */
function arrayOf(dtype: DataType, words: ArrayBuffer): NumericArray {
  if (dtype === 'float32') return new Float32Array(words.slice(0));
  if (dtype === 'int32') return new Int32Array(words.slice(0));
  return Uint8Array.from(new Int32Array(words)); // bool: a word each
}

function copied<T extends backend_util.BackendValues | null | undefined>(values: T): T {
  return (ArrayBuffer.isView(values) ? (values as unknown as NumericArray).slice() : values) as T;
}

/** All parameters of a program, in the order of its shader's struct. */
function programParameters(
  program: TfjsProgram,
  shapes: readonly number[][],
  own: ProgramParameters = [],
): ProgramParameters {
  const all: { type: string; data: number[] }[] = [
    { type: 'float32', data: [Number.NaN] },
    { type: 'float32', data: [Number.POSITIVE_INFINITY] },
  ];
  for (const shape of shapes) {
    all.push({ type: 'int32', data: shape }, { type: 'int32', data: util.computeStrides(shape) });
  }
  if (program.size) {
    const size = util.sizeFromShape(program.outputShape);
    all.push({ type: 'int32', data: [program.outputComponent ? size / program.outputComponent : size] });
  }
  return [...all, ...own];
}
