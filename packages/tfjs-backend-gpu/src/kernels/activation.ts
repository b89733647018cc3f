import type { TensorInfo } from '@tensorflow/tfjs';
import type { GpuBackend } from '../backend.js';
import type { Binding } from '../dispatcher.js';
import { fusedKernel, type KernelArguments, requireFloat32, requireShape, sizeOf } from './kernel.js';
import { type Activation, activate, activateWithSlope, requireActivation } from './wgsl.js';

/**
 * Computes outputs of one shape elementwise from inputs of that shape. `body` reads `NAME[i]` and
 * writes them.
 */
function elementwise(
  backend: GpuBackend,
  name: string,
  inputs: Readonly<Record<string, TensorInfo>>,
  outputs: readonly string[],
  declarations: () => string,
  body: string,
): TensorInfo[] {
  const { shape } = Object.values(inputs)[0] as TensorInfo;
  const made = outputs.map(() => backend.allocate(shape));
  const size = sizeOf(shape);
  if (size === 0) return made;
  const bindings: Binding[] = [
    ...Object.entries(inputs).map(([name, tensor]) => ({ name, tensor, access: 'in' }) as const),
    ...outputs.map((name, i) => ({ name, tensor: made[i] as TensorInfo, access: 'out' }) as const),
  ];
  backend.dispatch({
    name,
    bindings,
    words: { size },
    declarations,
    body: () => `
      let i = index * 256u + lane;
      if (i >= p.size) { return; }
      ${body}`,
    workgroups: Math.ceil(size / 256),
  });
  return made;
}

type Approximate = { readonly approximate?: boolean };

const named = (approximate = false): Activation => (approximate ? 'gelu_tanh' : 'gelu');

function forward(kernelName: string, backend: GpuBackend, x: TensorInfo, activation: Activation): TensorInfo {
  requireFloat32(kernelName, { x });
  const run = () => activate(activation);
  return elementwise(
    backend,
    `activate ${activation}`,
    { x },
    ['y'],
    run,
    'y[i] = activate(x[i]);',
  )[0] as TensorInfo;
}

function backward(
  kernelName: string,
  backend: GpuBackend,
  { dy, x }: { readonly dy: TensorInfo; readonly x: TensorInfo },
  activation: Activation,
): TensorInfo {
  requireFloat32(kernelName, { dy, x });
  requireShape(kernelName, 'dy', dy, x.shape);
  const run = () => activateWithSlope(activation);
  return elementwise(
    backend,
    `slope ${activation}`,
    { dy, x },
    ['dx'],
    run,
    'dx[i] = dy[i] * slope(x[i]);',
  )[0] as TensorInfo;
}

type One = { readonly x: TensorInfo };
type Gradient = { readonly dy: TensorInfo; readonly x: TensorInfo };

/** x·Φ(x), or its tanh form (arXiv:1606.08415). */
export const gelu = fusedKernel('Gelu', ({ inputs, backend, attrs }: KernelArguments<One, Approximate>) =>
  forward('Gelu', backend, inputs.x, named(attrs.approximate)),
);

/** Gradient of Gelu. */
export const geluGrad = fusedKernel(
  'GeluGrad',
  ({ inputs, backend, attrs }: KernelArguments<Gradient, Approximate>) =>
    backward('GeluGrad', backend, inputs, named(attrs.approximate)),
);

/** x·σ(x) (arXiv:1702.03118). */
export const silu = fusedKernel('Silu', ({ inputs, backend }: KernelArguments<One, Record<never, never>>) =>
  forward('Silu', backend, inputs.x, 'silu'),
);

/** Gradient of Silu. */
export const siluGrad = fusedKernel(
  'SiluGrad',
  ({ inputs, backend }: KernelArguments<Gradient, Record<never, never>>) =>
    backward('SiluGrad', backend, inputs, 'silu'),
);

/** dy where x > 0, else 0. */
export const reluGrad = fusedKernel(
  'ReluGrad',
  ({ inputs, backend }: KernelArguments<Gradient, Record<never, never>>) =>
    backward('ReluGrad', backend, inputs, 'relu'),
);

type Gates = { readonly gate: TensorInfo; readonly up: TensorInfo };
type Gated = { readonly activation: 'relu' | 'gelu' | 'gelu_tanh' | 'silu' };

/** activation(gate)·up. */
export const gatedActivation = fusedKernel(
  'GatedActivation',
  ({ inputs: { gate, up }, backend, attrs }: KernelArguments<Gates, Gated>) => {
    requireFloat32('GatedActivation', { gate, up });
    requireShape('GatedActivation', 'up', up, gate.shape);
    const activation = requireActivation('GatedActivation', attrs.activation);
    const body = 'y[i] = activate(gate[i]) * up[i];';
    const run = () => activate(activation);
    return elementwise(backend, `gate ${activation}`, { gate, up }, ['y'], run, body)[0] as TensorInfo;
  },
);

/** Gradients of GatedActivation: of gate, then of up. */
export const gatedActivationGrad = fusedKernel(
  'GatedActivationGrad',
  ({
    inputs: { dy, gate, up },
    backend,
    attrs,
  }: KernelArguments<Gates & { readonly dy: TensorInfo }, Gated>) => {
    requireFloat32('GatedActivationGrad', { dy, gate, up });
    for (const [name, info] of Object.entries({ dy, up }))
      requireShape('GatedActivationGrad', name, info, gate.shape);
    const activation = requireActivation('GatedActivationGrad', attrs.activation);
    const body = `
      let g = gate[i];
      dgate[i] = dy[i] * up[i] * slope(g);
      dup[i] = dy[i] * activate(g);`;
    const run = () => activateWithSlope(activation);
    const [dgate, dup] = elementwise(
      backend,
      `gate gradient ${activation}`,
      { dy, gate, up },
      ['dgate', 'dup'],
      run,
      body,
    );
    return [dgate as TensorInfo, dup as TensorInfo];
  },
);
