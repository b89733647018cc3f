import { fromFloat32, toFloat32 } from 'safetensors-ts';

let table: Float32Array | undefined;

/** The value of each bit pattern of float16. */
export function float16Values(): Float32Array {
  if (table === undefined) {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    table = toFloat32({ dtype: 'F16', shape: [65536], bytes: new Uint8Array(bits.buffer) });
  }
  return table;
}

/** The largest number of float16. */
export const LARGEST_FLOAT16 = 65504;

/** The bits of the nearest float16 of each value. */
export function toFloat16(values: Float32Array): Uint16Array {
  return fromFloat32(values, 'F16') as Uint16Array;
}

/** The bits of the least float16 that is not below each value, which is 0 or more. */
export function toFloat16Up(values: Float32Array): Uint16Array {
  const bits = toFloat16(values);
  const numbers = float16Values();
  for (let i = 0; i < bits.length; i++)
    if ((numbers[bits[i] as number] as number) < (values[i] as number)) bits[i] = (bits[i] as number) + 1;
  return bits;
}

/** The bits of the greatest float16 that is not above each value. */
export function toFloat16Down(values: Float32Array): Uint16Array {
  const bits = toFloat16(values);
  const numbers = float16Values();
  for (let i = 0; i < bits.length; i++) {
    const found = bits[i] as number;
    if ((numbers[found] as number) <= (values[i] as number)) continue;
    // One step down: towards 0 above it, away from 0 below it, and from 0 to the first below.
    bits[i] = (found & 0x7fff) === 0 ? 0x8001 : found & 0x8000 ? found + 1 : found - 1;
  }
  return bits;
}
