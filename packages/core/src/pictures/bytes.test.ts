import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { deserialize, typedArray } from 'safetensors-ts';
import { fromBytes, toBytes } from './bytes.js';

const file = 'reference/golden/image/output.safetensors';
const { tensors } = deserialize(
  new Uint8Array(readFileSync(new URL(`../../../../${file}`, import.meta.url))),
  file,
);
const golden = (name: string) => typedArray(tensors.get(name) as NonNullable<ReturnType<typeof tensors.get>>);

describe('toBytes', () => {
  test("the original pipeline's bytes, and not the rounded ones", () => {
    const bytes = toBytes(golden('decoded') as Float32Array);
    expect(bytes).toEqual(golden('uint8'));
    expect(bytes).not.toEqual(golden('rounded_for_contrast'));
  });

  test("taming's bytes of a picture in [−1, 1]: x/2 + ½ first, in float32", () => {
    const unit = Float32Array.from(golden('decoded') as Float32Array, (x) => Math.fround(x * 0.5) + 0.5);
    expect(toBytes(unit)).toEqual(golden('taming_uint8'));
  });

  test('NaN is 0', () => {
    expect(toBytes(Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, -0))).toEqual(
      Uint8Array.of(0, 255, 0),
    );
  });

  test('fromBytes and back: every byte', () => {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(toBytes(fromBytes(all))).toEqual(all);
  });
});
