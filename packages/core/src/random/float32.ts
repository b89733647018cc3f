/**
 * Functions in float32 steps, as XLA computes them on a CPU, so that draws agree with jax's in the
 * last digits.
 */

const { fround } = Math;

// Coefficients of Giles 2010, "Approximating the erfinv function", single precision: for w < 5, and
// from 5 on.
const CENTRAL = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 0.00021858087, -0.00125372503, -0.00417768164,
  0.246640727, 1.50140941,
].map(fround);
const TAIL = [
  -0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047,
  1.00167406, 2.83297682,
].map(fround);

/**
 * The inverse of erf for a float32 x in [−1, 1]; ±Infinity at ±1. It is at most 2 ulp from XLA's,
 * and up to 65 ulp from the exact value.
 */
export function erfInv(x: number): number {
  if (Math.abs(x) === 1) return x * Number.POSITIVE_INFINITY;
  const minusLog = fround(-Math.log1p(fround(-x * x)));
  const central = minusLog < 5;
  const w = central ? fround(minusLog - 2.5) : fround(fround(Math.sqrt(minusLog)) - 3);
  return fround(polynomial(central ? CENTRAL : TAIL, w) * x);
}

// XLA's rational approximation of erf (from Eigen): x·P(x²)/Q(x²) for |x| ≤ 4.
const ERF_P = [
  -2.72614225801306e-10, 2.77068142495902e-8, -2.10102402082508e-6, -5.69250639462346e-5,
  -7.34990630326855e-4, -2.95459980854025e-3, -1.60960333262415e-2,
].map(fround);
const ERF_Q = [
  -1.45660718464996e-5, -2.13374055278905e-4, -1.68282697438203e-3, -7.37332916720468e-3,
  -1.42647390514189e-2,
].map(fround);

/** erf of a float32 number, as XLA computes it. */
export function erf(x: number): number {
  const bounded = Math.max(-4, Math.min(4, x));
  const square = fround(bounded * bounded);
  return fround(fround(bounded * polynomial(ERF_P, square)) / polynomial(ERF_Q, square));
}

/** Horner's rule, highest power first. Each step is rounded once. */
function polynomial(coefficients: readonly number[], x: number): number {
  let value = coefficients[0] as number;
  for (let i = 1; i < coefficients.length; i++) value = fround(value * x + (coefficients[i] as number));
  return value;
}

const bits = new Int32Array(1);
const float = new Float32Array(bits.buffer);

/** The next float32 after x (finite, not 0) towards `target`. */
export function nextAfter(x: number, target: number): number {
  float[0] = x;
  bits[0] = (bits[0] as number) + (target > x === x > 0 ? 1 : -1);
  return float[0] as number;
}
