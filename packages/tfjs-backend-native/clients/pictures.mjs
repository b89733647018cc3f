// The photographs that npm packages hold.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import jpeg from 'jpeg-js';
import { packageFolder } from './model-files.mjs';

/** Every `step`-th pixel of a photograph of people (1 to 6), int32 [height, width, 3]. */
export function people(number, step = 1) {
  const file = join(packageFolder('@vladmandic/face-api'), 'demo', `sample${number}.jpg`);
  const { data, width, height } = jpeg.decode(readFileSync(file), { formatAsRGBA: false, useTArray: true });
  const [rows, columns] = [Math.floor(height / step), Math.floor(width / step)];
  const values = new Int32Array(rows * columns * 3);
  for (let i = 0; i < values.length; i++) {
    const pixel = Math.floor(i / 3);
    const [row, column] = [Math.floor(pixel / columns) * step, (pixel % columns) * step];
    values[i] = data[(row * width + column) * 3 + (i % 3)];
  }
  return tf.tensor3d(values, [rows, columns, 3], 'int32');
}
