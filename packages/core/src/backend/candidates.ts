import * as tf from '@tensorflow/tfjs';

/** What starting a backend may need to know. */
export interface BackendOptions {
  /**
   * The address of the folder with tfjs-backend-wasm.wasm and its siblings, for a page. By default
   * these files are looked for beside the program's script. In Node they lie in the package.
   */
  readonly wasmPaths?: string;
}

/** A tfjs backend that Easel can run on. */
export interface Candidate {
  /** tfjs's name of the backend. */
  readonly name: string;
  readonly description: string;
  /**
   * Loads the backend's package, so that tfjs knows the backend, and describes it. Throws an Error
   * whose message says why this failed and what to do. With `automatic` nobody asked for it by name.
   */
  load(
    options: BackendOptions & { readonly automatic?: boolean },
  ): Promise<{ readonly version?: string; readonly details?: string }>;
}

/** Imports a module by a name that bundlers do not follow: all backends but wasm are optional. */
async function importOptional(specifier: string, remedy: string): Promise<Record<string, unknown>> {
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ specifier)) as Record<string, unknown>;
  } catch (error) {
    const cause = (error instanceof Error ? error.message : String(error)).split('\n')[0];
    throw new Error(`the package ${specifier} did not load (${cause}); ${remedy}`, { cause: error });
  }
}

const inNode = typeof process !== 'undefined' && process.versions?.node !== undefined;

/** What `nativeStatus()` of tfjs-backend-native answers. */
interface NativeStatus {
  readonly available: boolean;
  readonly reason?: string;
  readonly cpu: string;
  readonly target: string;
  readonly threads: number;
  /** Whether huge pages are asked for, and the ms of touching 4 MB with and without. */
  readonly hugePages?: { readonly advised: boolean; readonly withMs: number; readonly withoutMs: number };
}

const native: Candidate = {
  name: 'native',
  description: 'C++ kernels of tfjs-backend-native on the CPU (Node only)',
  async load() {
    if (!inNode) throw new Error('it runs in Node only');
    const module = await importOptional(
      'tfjs-backend-native',
      'install it with: npm install tfjs-backend-native',
    );
    const status = (module.nativeStatus as () => NativeStatus)();
    if (!status.available) throw new Error(status.reason ?? 'its addon did not load');
    const { target, threads, cpu, hugePages: pages } = status;
    const found = pages && `${pages.withMs.toFixed(1)} ms with them, ${pages.withoutMs.toFixed(1)} without`;
    const memory = pages ? `, ${pages.advised ? '' : 'no '}huge pages (4 MB: ${found})` : '';
    return { details: `${target}, ${threads} threads, ${cpu}${memory}` };
  },
};

const wasm: Candidate = {
  name: 'wasm',
  description: "tfjs's WebAssembly kernels on the CPU",
  async load({ wasmPaths }) {
    if (!('WebAssembly' in globalThis)) throw new Error('this JavaScript engine has no WebAssembly');
    const { setWasmPaths, version_wasm: version } = await import('@tensorflow/tfjs-backend-wasm');
    if (wasmPaths !== undefined) setWasmPaths(wasmPaths.replace(/\/?$/, '/'));
    const [simd, threads] = await Promise.all(
      ['WASM_HAS_SIMD_SUPPORT', 'WASM_HAS_MULTITHREAD_SUPPORT'].map((flag) => tf.env().getAsync(flag)),
    );
    return { version, details: `${simd ? 'SIMD' : 'no SIMD'}, ${threads ? 'threads' : 'one thread'}` };
  },
};

const cpu: Candidate = {
  name: 'cpu',
  description: "tfjs's plain JavaScript kernels, slow but everywhere",
  async load() {
    // `firstUse` is private in tfjs. Clearing it silences tfjs's advice, on first use in Node, to
    // install tfjs-node.
    const backend = tf.findBackend('cpu') as { firstUse?: boolean } | null;
    if (backend !== null) backend.firstUse = false;
    return { version: tf.version['tfjs-core'] };
  },
};

const tensorflow: Candidate = {
  name: 'tensorflow',
  description: 'libtensorflow through @tensorflow/tfjs-node',
  async load() {
    if (!inNode) throw new Error('it runs in Node only');
    const module = await importOptional(
      '@tensorflow/tfjs-node',
      `install it with: npm install @tensorflow/tfjs-node@${tf.version['tfjs-core']}`,
    );
    const version = (module.version as Record<string, string> | undefined)?.['tfjs-node'];
    return version === undefined ? {} : { version };
  },
};

/** What `gpuStatus()` of tfjs-backend-gpu answers. */
interface GpuStatus {
  readonly available: boolean;
  readonly reason?: string;
  readonly adapter?: string;
  readonly software?: boolean;
  readonly features?: readonly string[];
  readonly missing?: readonly string[];
  readonly limits?: Readonly<Record<string, number>>;
}

/** An adapter's abilities, in the words of `easel doctor`. */
function describeGpu({ adapter, software, features = [], missing = [], limits = {} }: GpuStatus): string {
  const mib = (bytes: number | undefined) => `${Math.floor((bytes ?? 0) / 2 ** 20)} MiB`;
  return [
    `${adapter}${software ? ', which is a program on the CPU' : ''}`,
    `buffers of ${mib(limits.maxBufferSize)}`,
    `bindings of ${mib(limits.maxStorageBufferBindingSize)}`,
    `${limits.maxStorageBuffersPerShaderStage} tensors a shader`,
    `it has ${features.join(', ') || 'no optional feature'}`,
    `it lacks ${missing.join(', ') || 'none'}`,
  ].join('; ');
}

const gpu: Candidate = {
  name: 'gpu',
  description: 'kernels of tfjs-backend-gpu on a GPU through WebGPU',
  async load({ automatic = false }) {
    const remedy = `install it with: npm install tfjs-backend-gpu${inNode ? ' webgpu' : ''}`;
    const module = await importOptional('tfjs-backend-gpu', remedy);
    const status = await (module.gpuStatus as () => Promise<GpuStatus>)();
    if (!status.available) throw new Error(status.reason ?? 'it finds no GPU');
    if (automatic && status.software) throw new Error(`${status.adapter} is a program on the CPU`);
    return { details: describeGpu(status) };
  },
};

const webgpu: Candidate = {
  name: 'webgpu',
  description: "tfjs's own kernels on a GPU through WebGPU; they draw and do not train",
  async load() {
    const install = `npm install @tensorflow/tfjs-backend-webgpu@${tf.version['tfjs-core']}`;
    if (inNode) await provideWebGpu(install);
    const gpu = navigatorWithGpu()?.gpu;
    if (gpu === undefined) throw new Error('this browser has no WebGPU');
    if ((await gpu.requestAdapter()) === null) {
      throw new Error('WebGPU finds no GPU; it needs a driver for Vulkan, Metal or Direct3D 12');
    }
    // A bundler doesn't follow the name below: a page imports the package by a statement of its own.
    if (!inNode && tf.findBackendFactory('webgpu') !== null) return {};
    const module = await importOptional('@tensorflow/tfjs-backend-webgpu', `install it with: ${install}`);
    const { version_webgpu: version } = module as { version_webgpu?: string };
    return version === undefined ? {} : { version };
  },
};

interface WebGpu {
  requestAdapter(): Promise<object | null>;
}

function navigatorWithGpu(): { gpu?: WebGpu } | undefined {
  return (globalThis as { navigator?: { gpu?: WebGpu } }).navigator;
}

/** Provides navigator.gpu in Node, from the package `webgpu` (Dawn). */
async function provideWebGpu(install: string): Promise<void> {
  const navigator = navigatorWithGpu();
  if (navigator?.gpu !== undefined) return;
  const dawn = await importOptional('webgpu', `install it with: ${install} webgpu`);
  Object.assign(globalThis, dawn.globals);
  const gpu = (dawn.create as (options: string[]) => unknown)([]);
  if (navigator === undefined) {
    Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  } else {
    Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
  }
}

/** Every backend that can be asked for by name. */
export const CANDIDATES: readonly Candidate[] = [native, wasm, cpu, gpu, tensorflow, webgpu];

/** The order in which 'auto' tries: in a page a GPU comes first, if the page has its package. */
export const AUTO_ORDER: readonly string[] = inNode ? ['native', 'wasm', 'cpu'] : ['gpu', 'wasm', 'cpu'];
