import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import * as numbers from './addon-numbers.js';

const native = join(import.meta.dirname, '..', 'native');

/**
 * The enumerators of a C++ enumeration, in order, without the enumeration's prefix and without the
 * last one if it counts them.
 */
function enumerators(file: string, name: string): string[] {
  const source = readFileSync(join(native, file), 'utf8').replaceAll(/\/\/.*$/gm, '');
  const body = new RegExp(`enum (?:class )?${name} : int \\{([^}]*)\\}`).exec(source)?.[1];
  if (body === undefined) throw new Error(`${file} has no enumeration ${name}`);
  expect(body).not.toContain('='); // numbered by their order
  const names = body.split(',').map((enumerator) => enumerator.trim());
  const isCounted = names.at(-1)?.endsWith('_count') === true;
  const prefix = isCounted ? `${(names.at(-1) as string).split('_')[0]}_` : '';
  return (isCounted ? names.slice(0, -1) : names).map((enumerator) => {
    expect(enumerator.startsWith(prefix)).toBe(true);
    return enumerator.slice(prefix.length);
  });
}

/** gelu_tanh, geluTanh and leakyrelu, leaky_relu are one name. */
const plain = (name: string) => name.replaceAll('_', '').toLowerCase();

const elementwise = 'kernels/elementwise/elementwise.h';
const layouts = 'binding/layouts.h';

test.each<[string, string, readonly string[]]>([
  ['kernels/epilogue/epilogue.h', 'Activation', numbers.ACTIVATIONS],
  [elementwise, 'Gate', numbers.GATES],
  [elementwise, 'Unary', numbers.UNARY_OPS],
  [elementwise, 'Binary', numbers.BINARY_OPS],
  [elementwise, 'IntBinary', numbers.INT_OPS],
  [elementwise, 'Comparison', numbers.COMPARISONS],
  [elementwise, 'Plain', numbers.PLAIN_OPS],
  [elementwise, 'PlainPair', numbers.PAIR_OPS],
  [elementwise, 'Kind', numbers.KINDS],
  [elementwise, 'Logical', numbers.LOGICAL_OPS],
  ['kernels/reduce/reduce.h', 'Reduction', numbers.REDUCTIONS],
  ['kernels/reduce/reduce.h', 'PlainReduction', numbers.PLAIN_REDUCTIONS],
  ['kernels/reduce/reduce.h', 'Scan', numbers.SCANS],
  ['kernels/packed/packed.h', 'PackedFormat', numbers.PACKED_FORMATS],
  [layouts, 'GemmSize', Object.keys(numbers.GEMM)],
  [layouts, 'ConvSize', Object.keys(numbers.CONVOLUTION)],
  [layouts, 'PoolSize', Object.keys(numbers.POOL)],
  [layouts, 'AttentionSize', Object.keys(numbers.ATTENTION)],
  [layouts, 'PackedMatrixSize', Object.keys(numbers.PACKED_MATRIX)],
])('%s: %s is in the order of TypeScript', (file, name, expected) => {
  expect(enumerators(file, name).map(plain)).toEqual(expected.map(plain));
});
