import { elementCount, toFloat32 } from 'safetensors-ts';
import { float16Values } from './float16.js';
import { groupOf, type PackedValues } from './packed-values.js';

/**
 * The floats of packed values: what a tensor of them means. Every number is exact, but that scale·code
 * + offset of INT4 is rounded to float32 once; scale·code alone has at most 19 digits.
 */
export function unpack(packed: PackedValues): Float32Array {
  const { format, shape, codes } = packed;
  if (format === 'F16' || format === 'BF16') return toFloat32({ dtype: format, shape, bytes: codes });
  const [rows, columns] = shape as [number, number];
  const { axis = 0, scales, offsets } = packed;
  const group = groupOf(packed);
  const groups = Math.ceil(columns / group);
  const numbers = float16Values();
  const out = new Float32Array(elementCount(shape));
  const signed = new Int8Array(codes.buffer, codes.byteOffset, codes.byteLength);
  for (let r = 0; r < rows; r++) {
    const firstScale = axis === 0 ? Math.floor(r / group) * columns : r * groups;
    for (let c = 0; c < columns; c++) {
      const at = axis === 0 ? firstScale + c : firstScale + Math.floor(c / group);
      const scale = numbers[(scales as Uint16Array)[at] as number] as number;
      if (format === 'INT8') {
        out[r * columns + c] = scale * (signed[r * columns + c] as number);
        continue;
      }
      const place = axis === 0 ? (r >> 1) * columns + c : (r * columns + c) >> 1;
      const byte = codes[place] as number;
      const code = ((axis === 0 ? r : c) & 1) === 0 ? byte & 15 : byte >> 4;
      out[r * columns + c] = scale * code + (numbers[(offsets as Uint16Array)[at] as number] as number);
    }
  }
  return out;
}
