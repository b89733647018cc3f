import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { TensorInfo } from '@tensorflow/tfjs';
import { KERNELS } from './kernels.js';
import { readmeTable } from './readme-table.js';
import type { KernelSpecification } from './specification.js';
import type { ContractProblems, KernelAttributes, KernelInputs, MissingKernels, Signature } from './types.js';

const README = join(import.meta.dirname, '../../../tfjs-backend-native/README.md');
const [START, END] = ['<!-- The contract of fused kernels', '<!-- End of the contract'];

test("the native backend's README has the contract's table (UPDATE_README=1 writes it)", () => {
  const readme = readFileSync(README, 'utf8');
  const from = readme.indexOf('\n', readme.indexOf(START)) + 1;
  const to = readme.indexOf(END);
  expect(from).toBeGreaterThan(0);
  expect(to).toBeGreaterThanOrEqual(from);
  const table = `\n${readmeTable()}\n\n`;
  if (process.env.UPDATE_README === '1')
    writeFileSync(README, readme.slice(0, from) + table + readme.slice(to));
  else expect(readme.slice(from, to)).toBe(table);
});

test('the table names kernels and inputs that are there', () => {
  for (const [name, kernel] of Object.entries<KernelSpecification>(KERNELS)) {
    for (const needed of kernel.needs)
      expect([name, Object.keys(KERNELS)]).toEqual([name, expect.arrayContaining([needed])]);
    for (const changed of kernel.changes) expect(Object.keys(kernel.inputs)).toContain(changed);
    // A name is one thing: tfjs passes inputs and attributes to gradients side by side.
    const names = [...Object.keys(kernel.inputs), ...Object.keys(kernel.attributes)];
    expect(new Set(names).size).toBe(names.length);
  }
});

// What the compiler refuses. Each line would be an error of its own if it were allowed.
test('types follow from the table', () => {
  const x = {} as TensorInfo;
  const whole: KernelInputs<'LayerNorm', TensorInfo> = { x, scale: undefined };
  // @ts-expect-error x must be there
  const lacking: KernelInputs<'LayerNorm', TensorInfo> = { scale: x };
  // @ts-expect-error no kernel knows this input
  const wrong: KernelInputs<'LayerNorm', TensorInfo> = { x, shift: x };
  // @ts-expect-error epsilon must be there
  const attributes: KernelAttributes<'LayerNorm'> = { rms: true };
  // @ts-expect-error not one of the gates
  const gate: KernelAttributes<'GatedActivation'> = { activation: 'tanh' };
  expect([whole, lacking, wrong, attributes, gate]).toHaveLength(5);
});

test('a backend whose kernel differs is refused by the compiler', () => {
  type Inputs = { dy: TensorInfo; x: TensorInfo };
  type Kept = { ReluGrad: Signature<Inputs, object, TensorInfo> };
  const none: ContractProblems<Kept, TensorInfo> = {};
  type Renamed = { ReluGrad: Signature<{ dy: TensorInfo; y: TensorInfo }, object, TensorInfo> };
  // @ts-expect-error the input is called x
  const renamed: ContractProblems<Renamed, TensorInfo> = {};
  type Twofold = { ReluGrad: Signature<Inputs, object, [TensorInfo, TensorInfo]> };
  // @ts-expect-error it gives one tensor
  const twofold: ContractProblems<Twofold, TensorInfo> = {};
  type Unmarked = { GatedActivation: Signature<{ gate: TensorInfo; up: TensorInfo }, object, TensorInfo> };
  // @ts-expect-error it has an attribute
  const unmarked: ContractProblems<Unmarked, TensorInfo> = {};
  // @ts-expect-error most kernels are missing
  const missing: MissingKernels<Kept> = {};
  expect([none, renamed, twofold, unmarked, missing]).toHaveLength(5);
});
