import { GpuError } from './gpu-error.js';
import { provision } from './provide-webgpu.js';

/** Features that are switched on where the adapter has them. */
export const WANTED_FEATURES = [
  'shader-f16',
  'subgroups',
  'timestamp-query',
  'bgra8unorm-storage',
  'chromium-experimental-subgroup-matrix',
] as const;

/** Limits that are raised to the adapter's. WebGPU's defaults are low. */
export const RAISED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const;

/** The name of a limit. */
export type LimitName = (typeof RAISED_LIMITS)[number];

/** Whether a GPU can be used here, and which. */
export interface GpuStatus {
  readonly available: boolean;
  /** Why it is not, and what to do. */
  readonly reason?: string;
  /** The adapter's name, as its driver gives it. */
  readonly adapter?: string;
  readonly vendor?: string;
  readonly architecture?: string;
  /** Whether the adapter is a program on the CPU, such as lavapipe or SwiftShader. */
  readonly software?: boolean;
  /** The wanted features that the adapter has, and those that it lacks. */
  readonly features?: readonly string[];
  readonly missing?: readonly string[];
  readonly limits?: Readonly<Record<LimitName, number>>;
}

const NO_ADAPTER =
  'WebGPU finds no GPU: it needs a driver for Vulkan (on Linux also the loader, libvulkan1), Metal or Direct3D 12';

async function findAdapter(): Promise<{ readonly adapter: GPUAdapter } | { readonly reason: string }> {
  const { gpu, reason = NO_ADAPTER } = provision;
  if (gpu === undefined) return { reason };
  try {
    const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
    return adapter === null ? { reason: NO_ADAPTER } : { adapter };
  } catch (error) {
    return { reason: `${NO_ADAPTER} (${(error as Error).message.split('\n')[0]})` };
  }
}

type Info = GPUAdapterInfo & { readonly isFallbackAdapter?: boolean };

function infoOf(adapter: GPUAdapter): Info {
  return (adapter as unknown as { info: Info }).info;
}

/** Says whether a GPU can be used here, and which. Never throws. */
export async function gpuStatus(): Promise<GpuStatus> {
  const found = await findAdapter();
  if ('reason' in found) return { available: false, reason: found.reason };
  const { adapter } = found;
  const { vendor, architecture, description, device, isFallbackAdapter } = infoOf(adapter);
  const limits = Object.fromEntries(RAISED_LIMITS.map((name) => [name, adapter.limits[name]]));
  return {
    available: true,
    adapter: description || device || vendor || 'unknown',
    vendor,
    architecture,
    software: isFallbackAdapter === true,
    features: WANTED_FEATURES.filter((name) => adapter.features.has(name)),
    missing: WANTED_FEATURES.filter((name) => !adapter.features.has(name)),
    limits: limits as Record<LimitName, number>,
  };
}

/**
 * Opens the GPU with all limits and the wanted features that it has. Throws GpuError where there is
 * none.
 */
export async function openDevice(): Promise<{ readonly device: GPUDevice; readonly info: GPUAdapterInfo }> {
  const found = await findAdapter();
  if ('reason' in found) throw new GpuError('lost', found.reason);
  const { adapter } = found;
  const requiredLimits: Record<string, number> = {};
  for (const name of RAISED_LIMITS) {
    const limit = adapter.limits[name] as number | undefined;
    if (limit !== undefined) requiredLimits[name] = limit;
  }
  const requiredFeatures = WANTED_FEATURES.filter((name) => adapter.features.has(name)) as GPUFeatureName[];
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  return { device, info: infoOf(adapter) };
}
