import type { TensorInfo } from '@tensorflow/tfjs';
import { addon } from '../addon.js';
import {
  BINARY_OPS,
  type BinaryOp,
  GATES,
  type GateName,
  UNARY_OPS,
  type UnaryOp,
} from '../addon-numbers.js';
import { type FusedArguments, fusedKernel } from './kernel.js';

/** Throws Error if an input of a kernel that has no form for other dtypes is not float32. */
export function requireFloat32(kernelName: string, inputs: Record<string, TensorInfo | undefined>): void {
  for (const [name, info] of Object.entries(inputs)) {
    if (info !== undefined && info.dtype !== 'float32')
      throw new Error(`${kernelName}: ${name} must be float32, got ${info.dtype}; cast it first.`);
  }
}

function forward<Name extends string, Attributes>(kernelName: Name, op: (attrs: Attributes) => UnaryOp) {
  return fusedKernel(
    kernelName,
    ({ inputs, backend, attrs }: FusedArguments<{ x: TensorInfo }, Attributes>) => {
      const { x } = inputs;
      requireFloat32(kernelName, { x });
      const y = backend.allocate(x.shape, 'float32');
      addon().unary(UNARY_OPS.indexOf(op(attrs)), y.values, backend.float32(x), 0, 0);
      return y.info;
    },
  );
}

type BackwardArguments<Attributes> = FusedArguments<Record<'dy' | 'x', TensorInfo>, Attributes>;

function backward<Name extends string, Attributes>(kernelName: Name, op: (attrs: Attributes) => BinaryOp) {
  return fusedKernel(kernelName, ({ inputs, backend, attrs }: BackwardArguments<Attributes>) => {
    const { dy, x } = inputs;
    requireFloat32(kernelName, { dy, x });
    if (`${dy.shape}` !== `${x.shape}`)
      throw new Error(`${kernelName}: expected dy [${x.shape}] as x, got [${dy.shape}].`);
    const dx = backend.allocate(x.shape, 'float32');
    const number = BINARY_OPS.indexOf(op(attrs));
    addon().binary(number, dx.values, backend.float32(dy), backend.float32(x), null);
    return dx.info;
  });
}

/** The binary operation f(gate)·up for each gate. */
const GATED: Readonly<Record<GateName, BinaryOp>> = {
  relu: 'gatedRelu',
  gelu: 'gatedGelu',
  gelu_tanh: 'gatedGeluTanh',
  silu: 'gatedSilu',
};

/** Checks the inputs of a gated kernel and the name of its function. */
function checkGated(kernelName: string, inputs: Record<string, TensorInfo>, activation: GateName): void {
  requireFloat32(kernelName, inputs);
  const [first, ...others] = Object.values(inputs) as [TensorInfo, ...TensorInfo[]];
  if (others.some((other) => `${other.shape}` !== `${first.shape}`)) {
    const shapes = Object.entries(inputs).map(([name, { shape }]) => `${name} [${shape}]`);
    throw new Error(`${kernelName}: expected tensors of one shape, got ${shapes.join(', ')}.`);
  }
  if (!GATES.includes(activation))
    throw new Error(
      `${kernelName}: expected activation to be one of ${GATES.join(', ')}, got ${activation}.`,
    );
}

type GatedArguments<Inputs extends string> = FusedArguments<
  Record<Inputs, TensorInfo>,
  { activation: GateName }
>;

/** y = f(gate)·up in one pass; `activation` names f. */
export const gatedActivation = fusedKernel(
  'GatedActivation',
  ({ inputs, backend, attrs }: GatedArguments<'gate' | 'up'>) => {
    const { gate, up } = inputs;
    checkGated('GatedActivation', { gate, up }, attrs.activation);
    const op = GATED[attrs.activation];
    const y = backend.allocate(gate.shape, 'float32');
    addon().binary(BINARY_OPS.indexOf(op), y.values, backend.float32(gate), backend.float32(up), null);
    return y.info;
  },
);

/** dy, gate, up → dgate = dy·up·f′(gate), dup = dy·f(gate), in one pass. */
export const gatedActivationGrad = fusedKernel(
  'GatedActivationGrad',
  ({ inputs, backend, attrs }: GatedArguments<'dy' | 'gate' | 'up'>) => {
    const { dy, gate, up } = inputs;
    checkGated('GatedActivationGrad', { dy, gate, up }, attrs.activation);
    const number = GATES.indexOf(attrs.activation);
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
 * Attributes of Gelu. `approximate` chooses the tanh form, 0.5·x·(1 + tanh(√(2/π)·(x +
 * 0.044715·x³))).
 */
export interface GeluAttributes {
  approximate?: boolean;
}

/** x·Φ(x) or its tanh form (Hendrycks and Gimpel 2016, arXiv:1606.08415), float32 of any shape. */
export const gelu = forward('Gelu', (attrs: GeluAttributes) => (attrs.approximate ? 'geluTanh' : 'gelu'));

/** dx of Gelu from dy and x. */
export const geluGrad = backward('GeluGrad', (attrs: GeluAttributes) =>
  attrs.approximate ? 'geluTanhGrad' : 'geluGrad',
);

/** x·σ(x), float32 of any shape. */
export const silu = forward('Silu', () => 'silu');

/** dx of Silu from dy and x. */
export const siluGrad = backward('SiluGrad', () => 'siluGrad');

/** dy where x > 0, 0 where x ≤ 0, NaN where x is NaN. */
export const reluGrad = backward('ReluGrad', () => 'reluGrad');
