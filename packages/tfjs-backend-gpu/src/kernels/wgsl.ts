/** Activations that products and gates compute in the same pass. */
export type Activation = 'linear' | 'relu' | 'gelu' | 'gelu_tanh' | 'silu' | 'sigmoid';

/** Throws Error for a name that is no activation, or not one of `allowed`. */
export function requireActivation(
  kernelName: string,
  activation: unknown,
  allowed: readonly Activation[] = ['relu', 'gelu', 'gelu_tanh', 'silu'],
): Activation {
  if (!(allowed as readonly unknown[]).includes(activation))
    throw new Error(
      `${kernelName}: expected activation to be one of ${allowed.join(', ')}, got ${activation}.`,
    );
  return activation as Activation;
}

/**
 * `fn activate(x: f32) -> f32`. erf is Abramowitz and Stegun 7.1.26, as in tfjs, with an error of
 * 1.5e-7. Arguments of tanh and exp are bounded, since an implementation may overflow there.
 */
export function activate(activation: Activation): string {
  const body = {
    linear: 'return x;',
    relu: 'return select(0.0, x, x > 0.0);',
    gelu: 'return x * normal_cdf(x);',
    gelu_tanh: 'return 0.5 * x * (1.0 + gelu_tanh_inner(x));',
    silu: 'return x * sigmoid(x);',
    sigmoid: 'return sigmoid(x);',
  }[activation];
  return `${helpers(activation)}
fn activate(x: f32) -> f32 { ${body} }
`;
}

/** `fn activate(x)` and `fn slope(x)`, its derivative. */
export function activateWithSlope(activation: Activation): string {
  const body = {
    linear: 'return 1.0;',
    relu: 'return select(0.0, 1.0, x > 0.0);',
    gelu: 'return normal_cdf(x) + x * 0.3989422804014327 * exp(-0.5 * min(x * x, 170.0));',
    gelu_tanh: `let t = gelu_tanh_inner(x);
  return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * 0.7978845608028654 * (1.0 + 0.134145 * x * x);`,
    silu: 'let s = sigmoid(x); return s * (1.0 + x * (1.0 - s));',
    sigmoid: 'let s = sigmoid(x); return s * (1.0 - s);',
  }[activation];
  return `${activate(activation)}
fn slope(x: f32) -> f32 { ${body} }
`;
}

function helpers(activation: Activation): string {
  if (activation === 'gelu')
    return `
fn normal_cdf(x: f32) -> f32 {
  let z = abs(x) * 0.7071067811865476;
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let q = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  let half_tail = 0.5 * q * exp(-min(z * z, 87.0));
  return select(half_tail, 1.0 - half_tail, x >= 0.0);
}`;
  if (activation === 'gelu_tanh')
    return `
fn gelu_tanh_inner(x: f32) -> f32 {
  return tanh(clamp(0.7978845608028654 * (x + 0.044715 * x * x * x), -15.0, 15.0));
}`;
  if (activation === 'silu' || activation === 'sigmoid')
    return `
fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(-clamp(x, -87.0, 87.0))); }`;
  return '';
}

/**
 * `fn total(lane: u32, value: f32) -> f32`: the sum over a workgroup's lanes, a power of two of
 * them, in one order. All lanes must call it and get it.
 */
export function workgroupSum(lanes: number): string {
  return reduction('total', lanes, 'partial[lane] += partial[lane + half];');
}

/** `fn largest(lane, value)`: the maximum over a workgroup's lanes. */
export function workgroupMax(lanes: number): string {
  return reduction('largest', lanes, 'partial[lane] = max(partial[lane], partial[lane + half]);');
}

function reduction(name: string, lanes: number, step: string): string {
  const memory = name === 'total' ? 'partial' : `partial_${name}`;
  return `
var<workgroup> ${memory}: array<f32, ${lanes}>;
fn ${name}(lane: u32, value: f32) -> f32 {
  ${memory}[lane] = value;
  for (var half = ${lanes / 2}u; half > 0u; half = half >> 1u) {
    workgroupBarrier();
    if (lane < half) { ${step.replaceAll('partial', memory)} }
  }
  return workgroupUniformLoad(&${memory}[0]);
}
`;
}

/**
 * `fn is_finite(bits: u32) -> bool` and `fn is_nan(bits: u32) -> bool`. They look at bits, since a
 * shader's arithmetic may take it that numbers are finite.
 */
export const NUMBER_TESTS = `
fn is_finite(bits: u32) -> bool { return (bits & 0x7f800000u) != 0x7f800000u; }
fn is_nan(bits: u32) -> bool { return (bits & 0x7fffffffu) > 0x7f800000u; }
`;

/** The bits of NaN. */
export const NAN_BITS = '0x7fc00000u';
