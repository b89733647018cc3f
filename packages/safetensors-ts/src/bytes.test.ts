import { describe, expect, test } from '@jest/globals';
import { type Dtype, deserialize, serialize } from './index.js';

const file = (header: string, data = new Uint8Array(0)) => {
  const text = new TextEncoder().encode(header);
  const out = new Uint8Array(8 + text.length + data.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  out.set(data, 8 + text.length);
  return out;
};

describe('deserialize', () => {
  test('views share the memory of the file', () => {
    const bytes = serialize(
      [{ name: 'w', dtype: 'F32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
      { by: 'hand' },
    );
    const { header, tensors } = deserialize(bytes);
    expect(header.metadata.get('by')).toBe('hand');
    expect(header.dataStart % 8).toBe(0);
    expect(tensors.get('w')?.data).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    expect(tensors.get('w')?.data.buffer).toBe(bytes.buffer);
  });

  test('a file inside a larger buffer', () => {
    const bytes = serialize([{ name: 'w', dtype: 'I16', shape: [2], data: Int16Array.of(-7, 8) }]);
    const larger = new Uint8Array(bytes.length + 3);
    larger.set(bytes, 3);
    expect(deserialize(larger.subarray(3)).tensors.get('w')?.data).toEqual(Int16Array.of(-7, 8));
  });

  test.each([
    [
      'shape',
      file('{"layer.w":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}', new Uint8Array(8)),
      'x.st, tensor "layer.w", field "shape": not a size. Expected integers in [0, 2^64), found the float 2e+0. [InvalidHeaderDeserialization]',
    ],
    [
      'hole',
      file('{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', new Uint8Array(2)),
      'x.st, tensor "a", field "data_offsets": the data does not begin where the data before it ends. Expected [0, 0 or more], found [1, 2]. [InvalidOffset]',
    ],
    [
      'missing data',
      file('{"a":{"dtype":"F64","shape":[2,3],"data_offsets":[0,48]}}', new Uint8Array(40)),
      'x.st: the file ends before its last tensor; it may be a partial download. Expected 48 bytes of data, found 40. [MetadataIncompleteBuffer]',
    ],
    [
      'not JSON',
      file('{"a":}'),
      'x.st: the header is not JSON: expected a value at character 5. [InvalidHeaderDeserialization]',
    ],
    [
      'HTML',
      new TextEncoder().encode('<!DOCTYPE html><html>'),
      'x.st: not a safetensors file: its first 8 bytes are no plausible header length. Expected at most 100000000 bytes, found 5789751444030890300. [HeaderTooLarge]',
    ],
  ])('an error names file, tensor, field, expected, found: %s', (_, bytes, message) => {
    expect(() => deserialize(bytes, 'x.st')).toThrow(message);
  });

  test('serde oddities: an empty object as a unit variant', () => {
    const bytes = file('{"a":{"dtype":{"U8":{}},"shape":[1],"data_offsets":[0,1]}}', Uint8Array.of(5));
    expect(deserialize(bytes).tensors.get('a')?.data).toEqual(Uint8Array.of(5));
  });
});

describe('serialize', () => {
  const byte = (name: string) => ({ name, dtype: 'U8' as const, shape: [1], data: Uint8Array.of(1) });

  test('nothing', () => {
    expect(new TextDecoder().decode(serialize([]).subarray(8))).toBe('{}      ');
    expect(new TextDecoder().decode(serialize([], {}).subarray(8))).toBe('{"__metadata__":{}}     ');
  });

  test('metadata keeps its order', () => {
    const header = new TextDecoder().decode(
      serialize(
        [],
        new Map([
          ['b', '1'],
          ['a', '2'],
        ]),
      ),
    );
    expect(header).toContain('{"b":"1","a":"2"}');
  });

  test('sub-byte tensors', () => {
    const bytes = serialize([{ name: 'x', dtype: 'F4', shape: [2, 3], data: Uint8Array.of(1, 2, 3) }]);
    expect(deserialize(bytes).tensors.get('x')).toMatchObject({
      dtype: 'F4',
      shape: [2, 3],
      bytes: Uint8Array.of(1, 2, 3),
    });
  });

  test.each([
    ['a repeated name', [byte('a'), byte('a')], 'two tensors have this name'],
    ['the reserved name', [byte('__metadata__')], 'reserved'],
    ['a lone surrogate', [byte('\ud800')], 'lone surrogates'],
    ['a fraction', [{ ...byte('a'), shape: [1.5] }], 'Expected integers of 0 or more, found [1.5]'],
    ['a negative size', [{ ...byte('a'), shape: [-1, -1] }], 'found [-1,-1]'],
    ['a wrong length', [{ ...byte('a'), shape: [3] }], 'Expected 3 bytes for U8 [3], found 1'],
    ['half a byte', [{ ...byte('a'), dtype: 'F4' as const, shape: [1] }], '4 bits'],
    ['an unknown dtype', [{ ...byte('a'), dtype: 'float' as Dtype }], 'unknown dtype'],
  ])('refuses %s', (_, tensors, message) => {
    expect(() => serialize(tensors)).toThrow(message);
  });
});
