import type { TensorInfo } from '@tensorflow/tfjs';
import type { BaseBackend, ProgramParameters, TfjsProgram } from './base-backend.js';
import { bytesOf, formatBytes, GpuError } from './gpu-error.js';

/** A tensor of a dispatch. 'out' and 'inout' are written; each tensor stands in a dispatch once. */
export interface Binding {
  /** The array's name in WGSL. */
  readonly name: string;
  readonly tensor: TensorInfo;
  readonly access: 'in' | 'out' | 'inout';
  /** The element type in WGSL; default f32. */
  readonly type?: string;
}

/** One run of a compute shader. */
export interface Dispatch {
  /**
   * The kernel's name and all that decides its code: dispatches of one name share a pipeline.
   */
  readonly name: string;
  readonly bindings: readonly Binding[];
  /** Parameters of type u32, read as `p.name`. */
  readonly words?: Readonly<Record<string, number>>;
  /** Parameters of type f32. */
  readonly floats?: Readonly<Record<string, number>>;
  /** Lanes of a workgroup; default 256. */
  readonly lanes?: number | readonly [number, number, number];
  /** Functions and workgroup memory. */
  readonly declarations?: () => string;
  /**
   * The body of main. It reads `group` and `groups` (vec3 of workgroups), `index` (of the workgroup
   * among all of x and y), `lane` (in the workgroup) and `local` (its vec3).
   */
  readonly body: () => string;
  /** A number of workgroups, put on two axes where it is large; or the three extents. */
  readonly workgroups: number | readonly [number, number, number];
}

/** What the dispatcher has done so far. */
export interface DispatchCounts {
  /** Dispatches of this package's kernels and of tfjs's. */
  dispatches: number;
  /** Those of tfjs's kernels among them. */
  tfjsDispatches: number;
  bindGroupsMade: number;
  pipelinesMade: number;
  submits: number;
  /** Reads of GPU data that were awaited. */
  reads: number;
  readBytes: number;
  uploads: number;
  uploadBytes: number;
}

/** Bytes to which offsets of parameters are rounded up; the most that any adapter asks for. */
const ALIGNMENT = 256;
/** Bytes of parameters in one submit. */
const PARAMETER_BYTES = 1 << 20;
/** Bind groups that are kept. */
const MOST_GROUPS = 1 << 16;
/** WebGPU's greatest number of workgroups on an axis. */
const MOST_WORKGROUPS = 65535;

interface Layout {
  readonly number: number;
  readonly modes: string;
  readonly parameterBytes: number;
  readonly groupLayout: GPUBindGroupLayout;
  readonly pipelineLayout: GPUPipelineLayout;
}

interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: Layout;
}

/**
 * Records dispatches into the compute pass of a backend, among those of tfjs's kernels.
 *
 * Pipelines and bind groups are made once and kept. The parameters of all dispatches of a submit lie
 * in one buffer, which is written once; a dispatch has an offset into it.
 */
export class Dispatcher {
  readonly counts: DispatchCounts = {
    dispatches: 0,
    tfjsDispatches: 0,
    bindGroupsMade: 0,
    pipelinesMade: 0,
    submits: 0,
    reads: 0,
    readBytes: 0,
    uploads: 0,
    uploadBytes: 0,
  };
  /** Dispatches in one submit, at most. */
  batch = 128;
  private readonly backend: BaseBackend;
  private readonly layouts = new Map<string, Layout>();
  private readonly pipelines = new Map<string, Pipeline>();
  private readonly tfjsLayouts = new WeakMap<GPUComputePipeline, Layout>();
  private readonly groups = new Map<string, GPUBindGroup>();
  private readonly groupsOf = new Map<GPUBuffer, string[]>();
  private readonly numbers = new WeakMap<GPUBuffer, number>();
  private lastNumber = 0;
  private readonly values = new ArrayBuffer(PARAMETER_BYTES);
  private readonly words = new Uint32Array(this.values);
  private readonly ints = new Int32Array(this.values);
  private readonly floats = new Float32Array(this.values);
  private readonly parameters: GPUBuffer;
  /** Bytes of parameters in the submit that is recorded. */
  private filled = 0;
  private recorded = 0;
  private readonly mostBuffers: number;
  private readonly mostBytes: number;

  constructor(backend: BaseBackend) {
    this.backend = backend;
    this.parameters = backend.device.createBuffer({
      label: 'parameters',
      size: PARAMETER_BYTES,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
    const { limits } = backend.device;
    this.mostBuffers = limits.maxStorageBuffersPerShaderStage;
    this.mostBytes = limits.maxStorageBufferBindingSize;
  }

  /** Records a dispatch. Throws GpuError where a tensor or their number is beyond the device. */
  run(dispatch: Dispatch): void {
    const { bindings, words, floats, workgroups } = dispatch;
    let kernel = this.pipelines.get(dispatch.name);
    if (kernel === undefined) {
      kernel = this.compile(dispatch);
      this.pipelines.set(dispatch.name, kernel);
    }
    const buffers: GPUBuffer[] = [];
    for (const { tensor, access } of bindings) {
      const { dataId } = tensor;
      this.backend.uploadToGPU(dataId);
      const data = this.backend.tensorMap.get(dataId);
      if (access !== 'in') data.values = null;
      buffers.push(data.resource as GPUBuffer);
    }
    this.checkSizes(bindings.map(({ tensor }) => tensor));
    const offset = this.reserve(kernel.layout.parameterBytes);
    let at = offset / 4;
    for (const name in words) this.words[at++] = words[name] as number;
    for (const name in floats) this.floats[at++] = floats[name] as number;
    this.record(kernel.pipeline, kernel.layout, buffers, offset, spread(workgroups), dispatch.name);
  }

  /**
   * Sets the layout with which a program of tfjs is compiled, by the numbers of its inputs and of
   * the bytes of its parameters.
   */
  tfjsLayout(program: TfjsProgram, parameterBytes: number): Layout {
    return this.layout(`w${'r'.repeat(program.variableNames.length)}`, parameterBytes);
  }

  /** Tells which layout a pipeline of tfjs was compiled with. */
  adopt(pipeline: GPUComputePipeline, layout: Layout): void {
    this.tfjsLayouts.set(pipeline, layout);
    this.counts.pipelinesMade += 1;
  }

  /** Records a dispatch of a program of tfjs. */
  runTfjs(
    program: TfjsProgram,
    output: TensorInfo,
    inputs: readonly TensorInfo[],
    parameters: ProgramParameters,
  ): void {
    const pipeline = program.pipeline as GPUComputePipeline;
    const layout = this.tfjsLayouts.get(pipeline) as Layout;
    const tensors = [output, ...inputs];
    const buffers = tensors.map(
      ({ dataId }) => this.backend.tensorMap.get(dataId).resource as unknown as GPUBuffer,
    );
    this.checkSizes(tensors);
    const offset = this.reserve(layout.parameterBytes);
    parametersLayout(parameters, (start, { type, data }) => {
      const into = type === 'int32' ? this.ints : type === 'uint32' ? this.words : this.floats;
      for (let i = 0; i < data.length; i++) into[(offset + start) / 4 + i] = data[i] as number;
    });
    this.counts.tfjsDispatches += 1;
    this.record(pipeline, layout, buffers, offset, program.dispatch, program.shaderKey);
  }

  /** Hands over the parameters of what is recorded. It is called before every submit. */
  beforeSubmit(): void {
    if (this.filled > 0) this.backend.queue.writeBuffer(this.parameters, 0, this.values, 0, this.filled);
    this.filled = 0;
    this.recorded = 0;
    this.counts.submits += 1;
  }

  /** Drops the bind groups of a buffer that is about to be destroyed. */
  forget(buffer: GPUBuffer): void {
    for (const key of this.groupsOf.get(buffer) ?? []) this.groups.delete(key);
    this.groupsOf.delete(buffer);
  }

  private record(
    pipeline: GPUComputePipeline,
    layout: Layout,
    buffers: readonly GPUBuffer[],
    offset: number,
    [x, y, z]: readonly [number, number, number],
    label: string,
  ): void {
    const { backend } = this;
    const group = this.groupOf(layout, buffers, label);
    backend.ensureCommandEncoderReady();
    backend.computePassEncoder ??= (backend.commandEncoder as GPUCommandEncoder).beginComputePass();
    const pass = backend.computePassEncoder;
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group, [offset]);
    pass.dispatchWorkgroups(x, y, z);
    this.counts.dispatches += 1;
    this.recorded += 1;
    if (this.recorded >= this.batch) this.flush();
  }

  /** Submits what is recorded. */
  flush(): void {
    if (this.backend.commandEncoder === null) return;
    this.backend.endComputePassEncoder();
    this.backend.submitQueue();
  }

  private reserve(bytes: number): number {
    if (this.filled + bytes > PARAMETER_BYTES) this.flush();
    const offset = this.filled;
    this.filled += bytes;
    return offset;
  }

  private checkSizes(tensors: readonly TensorInfo[]): void {
    if (tensors.length > this.mostBuffers)
      throw new GpuError(
        'limit',
        `a shader binds ${tensors.length} tensors, and this device takes ${this.mostBuffers}`,
      );
    for (const tensor of tensors) {
      const bytes = bytesOf(tensor);
      if (bytes > this.mostBytes)
        throw new GpuError(
          'limit',
          `a tensor ${tensor.dtype} [${tensor.shape}] takes ${formatBytes(bytes)}, and this device binds ` +
            `${formatBytes(this.mostBytes)} at most (maxStorageBufferBindingSize)`,
        );
    }
  }

  private groupOf(layout: Layout, buffers: readonly GPUBuffer[], label: string): GPUBindGroup {
    let key = `${layout.number}`;
    for (const buffer of buffers) key += `,${this.numberOf(buffer)}`;
    let group = this.groups.get(key);
    if (group !== undefined) return group;
    if (this.groups.size >= MOST_GROUPS) {
      this.groups.clear();
      this.groupsOf.clear();
    }
    const entries: GPUBindGroupEntry[] = buffers.map((buffer, binding) => ({
      binding,
      resource: { buffer, size: Math.min(buffer.size, this.mostBytes) },
    }));
    if (layout.parameterBytes > 0)
      entries.push({
        binding: buffers.length,
        resource: { buffer: this.parameters, offset: 0, size: layout.parameterBytes },
      });
    group = this.backend.device.createBindGroup({ label, layout: layout.groupLayout, entries });
    this.groups.set(key, group);
    for (const buffer of buffers) {
      const keys = this.groupsOf.get(buffer);
      if (keys === undefined) this.groupsOf.set(buffer, [key]);
      else keys.push(key);
    }
    this.counts.bindGroupsMade += 1;
    return group;
  }

  private numberOf(buffer: GPUBuffer): number {
    let number = this.numbers.get(buffer);
    if (number === undefined) {
      this.lastNumber += 1;
      number = this.lastNumber;
      this.numbers.set(buffer, number);
    }
    return number;
  }

  private layout(modes: string, bytes: number): Layout {
    const parameterBytes = Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    const key = `${modes} ${parameterBytes}`;
    const found = this.layouts.get(key);
    if (found !== undefined) return found;
    const { device } = this.backend;
    const entries: GPUBindGroupLayoutEntry[] = [...modes].map((mode, binding) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: mode === 'w' ? 'storage' : 'read-only-storage' },
    }));
    if (parameterBytes > 0)
      entries.push({
        binding: modes.length,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: 'uniform', hasDynamicOffset: true },
      });
    const groupLayout = device.createBindGroupLayout({ label: key, entries });
    const pipelineLayout = device.createPipelineLayout({ label: key, bindGroupLayouts: [groupLayout] });
    const made = { number: this.layouts.size, modes, parameterBytes, groupLayout, pipelineLayout };
    this.layouts.set(key, made);
    return made;
  }

  private compile(dispatch: Dispatch): Pipeline {
    const { device } = this.backend;
    const { name, bindings, words = {}, floats = {} } = dispatch;
    if (bindings.length > this.mostBuffers) this.checkSizes(bindings.map(({ tensor }) => tensor));
    // A struct of no fields is no struct; four bytes more cost nothing.
    const bytes = 4 * Math.max(1, Object.keys(words).length + Object.keys(floats).length);
    const modes = bindings.map(({ access }) => (access === 'in' ? 'r' : 'w')).join('');
    const layout = this.layout(modes, bytes);
    const module = device.createShaderModule({ label: name, code: shaderOf(dispatch) });
    const pipeline = device.createComputePipeline({
      label: name,
      layout: layout.pipelineLayout,
      compute: { module, entryPoint: 'main' },
    });
    this.counts.pipelinesMade += 1;
    return { pipeline, layout };
  }
}

export type { Layout };

/** Workgroups on three axes. */
function spread(workgroups: Dispatch['workgroups']): readonly [number, number, number] {
  if (typeof workgroups !== 'number') return workgroups;
  if (workgroups <= MOST_WORKGROUPS) return [workgroups, 1, 1];
  const x = Math.ceil(Math.sqrt(workgroups));
  return [x, Math.ceil(workgroups / x), 1];
}

/** The whole shader of a dispatch. */
export function shaderOf(dispatch: Dispatch): string {
  const { bindings, words = {}, floats = {}, lanes = 256, declarations, body } = dispatch;
  const fields = [
    ...Object.keys(words).map((name) => `${name}: u32`),
    ...Object.keys(floats).map((name) => `${name}: f32`),
  ];
  const size = typeof lanes === 'number' ? `${lanes}` : lanes.join(', ');
  return `
struct Parameters { ${fields.length > 0 ? fields.join(', ') : 'unused: u32'} };
${bindings
  .map(
    ({ name, access, type = 'f32' }, i) =>
      `@group(0) @binding(${i}) var<storage, ${access === 'in' ? 'read' : 'read_write'}> ${name}: array<${type}>;`,
  )
  .join('\n')}
@group(0) @binding(${bindings.length}) var<uniform> p: Parameters;
${declarations?.() ?? ''}
@compute @workgroup_size(${size})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
        @builtin(local_invocation_index) lane: u32, @builtin(local_invocation_id) local: vec3<u32>) {
  let index = group.y * groups.x + group.x;
  ${body()}
}
`;
}

/**
 * Where tfjs's shaders expect each parameter: calls `each` with the offset in bytes. Returns the
 * bytes of all. The rules are those of WGSL's uniform address space, where tfjs aligns vectors of
 * five and six to 16 bytes and what follows them too.
 */
export function parametersLayout(
  parameters: ProgramParameters,
  each: (offset: number, parameter: ProgramParameters[number]) => void = () => {},
): number {
  let offset = 0;
  let before = 0;
  let most = 1;
  for (const parameter of parameters) {
    const length = Math.max(1, parameter.data.length);
    const own = length === 1 ? 4 : length === 2 ? 8 : 16;
    const alignment = before === 5 || before === 6 ? 16 : own;
    most = Math.max(most, alignment);
    offset = Math.ceil(offset / alignment) * alignment;
    each(offset, parameter.data.length === 0 ? { ...parameter, data: [1] } : parameter);
    before = length;
    offset += length * 4;
  }
  return Math.ceil(offset / most) * most;
}
