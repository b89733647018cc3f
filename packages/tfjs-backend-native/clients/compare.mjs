// What a client's program reports: values that it computed on tfjs's cpu backend and on the native one, and what was
// left behind.
import * as tf from '@tensorflow/tfjs';
import 'tfjs-backend-native';

/**
 * How far two lists of numbers are apart: the largest difference over the largest magnitude of the
 * expected ones. Infinite where the lengths differ, or one has NaN where the other has none.
 */
export function difference(got, expected) {
  if (got.length !== expected.length) return Number.POSITIVE_INFINITY;
  let largest = 0;
  let scale = 0;
  for (let i = 0; i < got.length; i++) {
    const [a, b] = [Number(got[i]), Number(expected[i])];
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) {
      if (Number.isFinite(b)) scale = Math.max(scale, Math.abs(b));
      continue;
    }
    if (!Number.isFinite(a - b)) return Number.POSITIVE_INFINITY;
    largest = Math.max(largest, Math.abs(a - b));
    scale = Math.max(scale, Math.abs(b));
  }
  return largest === 0 ? 0 : largest / Math.max(scale, 1e-6);
}

/**
 * The numbers in a nest of arrays, objects, strings and numbers, as lists that are compared one by
 * one: each typed array and string (its letters' codes), and the numbers that stand directly in an
 * array or object together.
 */
export function numbersOf(value) {
  if (ArrayBuffer.isView(value)) return [value];
  if (typeof value === 'string') return [Array.from(value, (letter) => letter.codePointAt(0))];
  if (value === null || value === undefined) return [];
  if (typeof value !== 'object') return [[Number(value)]];
  const direct = [];
  const lists = [];
  for (const part of Object.values(value)) {
    if (typeof part === 'number' || typeof part === 'boolean') direct.push(Number(part));
    else lists.push(...numbersOf(part));
  }
  return direct.length > 0 ? [direct, ...lists] : lists;
}

/** Bytes of the native backend's tensors. */
const liveBytes = () => tf.memory().native?.liveBytes ?? 0;

/**
 * Runs `make`, which builds a client on the current backend and returns { compute, dispose? }, on cpu
 * and on native. `compute` gives numbers, in any nest. It runs once on cpu; on native once and then
 * `repeats` times more, after which as many tensors and bytes must live as before. Prints a line of
 * JSON: { name, difference, tensors, bytes, ok } or { name, error }.
 */
export async function compareBackends(name, make, { tolerance = 1e-3, repeats = 3 } = {}) {
  const run = async (backend, again) => {
    await tf.setBackend(backend);
    const client = await make();
    const values = numbersOf(await client.compute());
    const before = { tensors: tf.memory().numTensors, bytes: liveBytes() };
    for (let i = 0; i < again; i++) await client.compute();
    const left = { tensors: tf.memory().numTensors - before.tensors, bytes: liveBytes() - before.bytes };
    await client.dispose?.();
    return { values, left };
  };
  let report;
  try {
    const cpu = await run('cpu', 0);
    const native = await run('native', repeats);
    const apart =
      native.values.length === cpu.values.length
        ? Math.max(...cpu.values.map((expected, i) => difference(native.values[i], expected)))
        : Number.POSITIVE_INFINITY;
    const numbers = cpu.values.reduce((total, list) => total + list.length, 0);
    // Results that are all alike, or not finite, would show nothing.
    const telling = cpu.values.some(
      (list) => new Set(Array.from(list).filter(Number.isFinite)).size > 1 || list.length === 1,
    );
    const ok = apart <= tolerance && native.left.tensors === 0 && native.left.bytes === 0 && telling;
    report = { name, numbers, difference: apart, ...native.left, ...(telling ? {} : { telling }), ok };
  } catch (error) {
    report = { name, error: String(error?.stack ?? error), ok: false };
  }
  console.log(JSON.stringify(report));
  return report;
}
