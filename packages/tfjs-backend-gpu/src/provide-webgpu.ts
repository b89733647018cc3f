// Provides navigator.gpu and the classes of WebGPU in Node. It is imported before
// @tensorflow/tfjs-backend-webgpu, which looks at both.

/** What this process has of WebGPU. */
export interface Provision {
  readonly gpu?: GPU;
  /** Why there is no WebGPU, and what to do. */
  readonly reason?: string;
}

const inNode = typeof process !== 'undefined' && process.versions?.node !== undefined;

/**
 * Options of Dawn for Node, separated by semicolons: `backend=null` executes nothing,
 * `enable-dawn-features=a,b` switches features of Dawn on.
 */
const OPTIONS_VARIABLE = 'TFJS_GPU_DAWN';

interface Dawn {
  readonly create: (options: string[]) => GPU;
  readonly globals: object;
}

async function provide(): Promise<Provision> {
  const { navigator } = globalThis as { navigator?: { gpu?: GPU } };
  if (navigator?.gpu !== undefined) return { gpu: navigator.gpu };
  if (!inNode) return { reason: 'this browser has no WebGPU' };
  let dawn: Dawn;
  try {
    // The package is optional. Bundlers do not follow a name that is no literal.
    const specifier = 'webgpu';
    dawn = (await import(/* @vite-ignore */ /* webpackIgnore: true */ specifier)) as Dawn;
  } catch (error) {
    const cause = (error instanceof Error ? error.message : String(error)).split('\n')[0];
    return { reason: `the package webgpu did not load (${cause}); install it with: npm install webgpu` };
  }
  Object.assign(globalThis, dawn.globals);
  const gpu = dawn.create((process.env[OPTIONS_VARIABLE] ?? '').split(';').filter((option) => option !== ''));
  if (navigator === undefined)
    Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  else Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
  return { gpu };
}

/** What this process has of WebGPU, found when this module is first imported. */
export const provision: Provision = await provide();
