import type { TensorInfo } from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import { BINARY_OPS, type BinaryOp, UNARY_OPS, type UnaryOp } from './elementwise.js';
import { type KernelArguments, type NativeKernel, nativeKernel } from './kernel.js';

/** Says that a kernel without a form for other dtypes got one. */
export function requireFloat32(kernelName: string, inputs: Record<string, TensorInfo | undefined>): void {
  for (const [name, info] of Object.entries(inputs)) {
    if (info !== undefined && info.dtype !== 'float32')
      throw new Error(`${kernelName}: ${name} must be float32, got ${info.dtype}; cast it first.`);
  }
}

function forward(kernelName: string, op: (attrs: Record<string, unknown>) => UnaryOp): NativeKernel {
  return nativeKernel(kernelName, ({ inputs, backend, attrs }: KernelArguments) => {
    const { x } = inputs as { x: TensorInfo };
    requireFloat32(kernelName, { x });
    const y = backend.allocate(x.shape, 'float32');
    addon().unary(UNARY_OPS.indexOf(op(attrs ?? {})), y.values, backend.float32(x), 0, 0);
    return y.info;
  });
}

function backward(kernelName: string, op: (attrs: Record<string, unknown>) => BinaryOp): NativeKernel {
  return nativeKernel(kernelName, ({ inputs, backend, attrs }: KernelArguments) => {
    const { dy, x } = inputs as { dy: TensorInfo; x: TensorInfo };
    requireFloat32(kernelName, { dy, x });
    if (`${dy.shape}` !== `${x.shape}`)
      throw new Error(`${kernelName}: expected dy [${x.shape}] as x, got [${dy.shape}].`);
    const dx = backend.allocate(x.shape, 'float32');
    const number = BINARY_OPS.indexOf(op(attrs ?? {}));
    addon().binary(number, dx.values, backend.float32(dy), backend.float32(x), null);
    return dx.info;
  });
}

/** Functions of a gate, in the addon's order, with the binary operation f(gate)·up. */
const GATES: ReadonlyMap<string, { readonly number: number; readonly forward: BinaryOp }> = new Map([
  ['relu', { number: 0, forward: 'gatedRelu' }],
  ['gelu', { number: 1, forward: 'gatedGelu' }],
  ['gelu_tanh', { number: 2, forward: 'gatedGeluTanh' }],
  ['silu', { number: 3, forward: 'gatedSilu' }],
]);

/** Checks the inputs of a gated kernel and finds its function. */
function gateOf(kernelName: string, inputs: Record<string, TensorInfo>, attrs: Record<string, unknown>) {
  requireFloat32(kernelName, inputs);
  const [first, ...others] = Object.values(inputs) as [TensorInfo, ...TensorInfo[]];
  if (others.some((other) => `${other.shape}` !== `${first.shape}`)) {
    const shapes = Object.entries(inputs).map(([name, { shape }]) => `${name} [${shape}]`);
    throw new Error(`${kernelName}: expected tensors of one shape, got ${shapes.join(', ')}.`);
  }
  const gate = GATES.get(attrs.activation as string);
  if (gate === undefined)
    throw new Error(
      `${kernelName}: expected activation to be one of ${[...GATES.keys()].join(', ')}, got ${attrs.activation}.`,
    );
  return gate;
}

/** y = f(gate)·up in one pass; `activation` names f. */
const gatedActivation = nativeKernel('GatedActivation', ({ inputs, backend, attrs }: KernelArguments) => {
  const { gate, up } = inputs as { gate: TensorInfo; up: TensorInfo };
  const { forward: op } = gateOf('GatedActivation', { gate, up }, attrs ?? {});
  const y = backend.allocate(gate.shape, 'float32');
  addon().binary(BINARY_OPS.indexOf(op), y.values, backend.float32(gate), backend.float32(up), null);
  return y.info;
});

/** dy, gate, up → dgate = dy·up·f′(gate), dup = dy·f(gate), in one pass. */
const gatedActivationGrad = nativeKernel(
  'GatedActivationGrad',
  ({ inputs, backend, attrs }: KernelArguments) => {
    const { dy, gate, up } = inputs as { dy: TensorInfo; gate: TensorInfo; up: TensorInfo };
    const { number } = gateOf('GatedActivationGrad', { dy, gate, up }, attrs ?? {});
    const [dgate, dup] = [backend.allocate(gate.shape, 'float32'), backend.allocate(gate.shape, 'float32')];
    const values = [dy, gate, up].map((info) => backend.float32(info)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    addon().gatedGrad(number, dgate.values, dup.values, ...values);
    return [dgate.info, dup.info];
  },
);

/**
 * Gelu: x·Φ(x), or with `approximate` the tanh form 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))); Hendrycks and Gimpel 2016, arXiv:1606.08415.
 * Silu: x·σ(x). ReluGrad: dy where x > 0, 0 where x ≤ 0, NaN where x is. The gradients take dy and x and give dx. float32 of any shape.
 */
export const activationKernels: readonly NativeKernel[] = [
  forward('Gelu', (attrs) => (attrs.approximate ? 'geluTanh' : 'gelu')),
  backward('GeluGrad', (attrs) => (attrs.approximate ? 'geluTanhGrad' : 'geluGrad')),
  forward('Silu', () => 'silu'),
  backward('SiluGrad', () => 'siluGrad'),
  backward('ReluGrad', () => 'reluGrad'),
  gatedActivation,
  gatedActivationGrad,
];
