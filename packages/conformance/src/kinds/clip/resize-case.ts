import { type Raster, RESIZE_FILTERS, type ResizeFilter, resize } from '@easel/core';
import type { Tolerance } from '../../checks.js';
import { GoldenArrays } from '../../golden.js';
import type { Case } from '../../kind.js';

const FLOATS: Tolerance = {
  absolute: 1e-6,
  reason:
    'Pillow may sum with fused multiply-add, ours does not: a float32 rounding between the passes and one after',
};

/** Pillow's Image.resize: each array is called input/filter/WIDTHxHEIGHT. */
export function resizeCase(file: string): Case {
  return {
    name: 'pil_resize',
    run(checks) {
      const golden = new GoldenArrays(file);
      const pictureOf = (name: string): Raster<Uint8Array | Float32Array> => {
        const [height, width, channels = 1] = golden.shape(name) as [number, number, number?];
        return { data: golden.values(name) as Uint8Array | Float32Array, height, width, channels };
      };
      for (const name of golden.names.filter((each) => each.includes('/'))) {
        const [input = '', filter = '', size = ''] = name.split('/');
        const [width, height] = size.split('x').map(Number) as [number, number];
        if (!(RESIZE_FILTERS as readonly string[]).includes(filter)) {
          checks.holds('arrays', name, `no filter ${filter}`);
          continue;
        }
        const { data } = resize(pictureOf(input), { width, height }, filter as ResizeFilter);
        if (data instanceof Uint8Array) checks.equal('bytes', name, data, golden.values(name));
        else checks.close('floats', name, data, golden.floats(name), FLOATS);
      }
    },
  };
}
