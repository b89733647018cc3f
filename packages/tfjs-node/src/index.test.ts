import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import * as tf from './index.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tfjs-node-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** 5 × 3 pixels, all of them different. */
const PIXELS = Uint8Array.from({ length: 3 * 5 * 4 }, (_, i) => (i * 37) % 251);
const picture = sharp(PIXELS, { raw: { width: 5, height: 3, channels: 4 } });

test("a program finds tfjs, tfjs-node's name for the backend, and its results", async () => {
  expect(tf.getBackend()).toBe('tensorflow');
  expect([...(await tf.matMul([[1, 2]], [[3], [4]]).data())]).toEqual([11]);
  expect(await tf.setBackend('cpu')).toBe(true);
  expect(await tf.setBackend('tensorflow')).toBe(true);
});

describe('file://', () => {
  const build = () => {
    const layers = [tf.layers.dense({ units: 3, inputShape: [2] }), tf.layers.dense({ units: 1 })];
    const model = tf.sequential({ layers });
    model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
    return model;
  };

  test('a model that was trained is saved, and loaded with the same numbers', async () => {
    const model = build();
    const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    await model.fit(x, tf.tensor2d([1, 2], [2, 1]), { epochs: 2, verbose: 0 });
    const saved = await model.save(pathToFileURL(join(folder, 'a model')).href);
    expect(saved.modelArtifactsInfo.weightDataBytes).toBe((2 * 3 + 3 + 3 + 1) * 4);
    expect(readdirSync(join(folder, 'a model')).sort()).toEqual(['model.json', 'weights.bin']);
    const loaded = await tf.loadLayersModel(tf.io.fileSystem(join(folder, 'a model', 'model.json')));
    const numbers = await (loaded.predict(x) as tf.Tensor).data();
    expect(numbers).toEqual(await (model.predict(x) as tf.Tensor).data());
    const again = await tf.loadLayersModel(
      `file://${join(folder, 'a model')}/model.json`.replace(' ', '%20'),
    );
    expect(again.countParams()).toBe(13);
  });

  test('what is missing or cut is named', async () => {
    const at = (name: string) => `file://${join(folder, name)}`;
    await expect(tf.loadLayersModel(at('none.json'))).rejects.toThrow("none.json: can't be read");
    writeFileSync(join(folder, 'a.json'), '{"weights": 1}');
    await expect(tf.loadLayersModel(at('a.json'))).rejects.toThrow('a.json: expected modelTopology');
    await build().save(at('m'));
    truncateSync(join(folder, 'm', 'weights.bin'), 8);
    await expect(tf.loadLayersModel(at('m/model.json'))).rejects.toThrow();
  });
});

describe('tf.node', () => {
  test.each([0, 1, 3, 4] as const)('a PNG of four channels, decoded to %i', async (channels) => {
    const decoded = tf.node.decodePng(await picture.clone().png().toBuffer(), channels);
    expect([decoded.shape, decoded.dtype]).toEqual([[3, 5, channels === 0 ? 4 : channels], 'int32']);
    const expected = channels === 1 ? undefined : PIXELS.filter((_, i) => channels !== 3 || i % 4 !== 3);
    if (expected !== undefined) expect([...decoded.dataSync()]).toEqual([...expected]);
  });

  test('a JPEG is what sharp decodes; decodeImage knows formats by their bytes', async () => {
    const jpeg = await picture.clone().removeAlpha().jpeg().toBuffer();
    const expected = await sharp(jpeg).raw().toBuffer();
    for (const decoded of [tf.node.decodeJpeg(jpeg), tf.node.decodeImage(jpeg)])
      expect([decoded.shape, [...decoded.dataSync()]]).toEqual([[3, 5, 3], [...expected]]);
    const gif = await picture.clone().gif().toBuffer();
    expect(tf.node.decodeImage(gif).shape).toEqual([1, 3, 5, 3]);
    expect(tf.node.decodeImage(gif, 3, 'int32', false).shape).toEqual([3, 5, 3]);
    expect(() => tf.node.decodeJpeg(gif)).toThrow('decodeJpeg: expected a JPEG, found GIF.');
    expect(() => tf.node.decodeImage(Uint8Array.of(1, 2, 3))).toThrow('found another format');
    expect(() => tf.node.decodeImage(jpeg.subarray(0, 20))).toThrow();
  });

  test('a BMP by hand: rows from the bottom up, blue first, padded to four bytes', () => {
    const bytes = new Uint8Array(54 + 2 * 4);
    const view = new DataView(bytes.buffer);
    bytes.set([0x42, 0x4d]);
    for (const [at, value] of [
      [10, 54],
      [14, 40],
      [18, 1],
      [22, 2],
    ] as const)
      view.setUint32(at, value, true);
    view.setUint16(28, 24, true);
    bytes.set([3, 2, 1, 0, 6, 5, 4, 0], 54);
    expect(tf.node.decodeBmp(bytes).arraySync()).toEqual([[[4, 5, 6]], [[1, 2, 3]]]);
    expect(tf.node.decodeImage(bytes, 4).arraySync()).toEqual([[[4, 5, 6, 255]], [[1, 2, 3, 255]]]);
    expect(() => tf.node.decodeBmp(bytes.subarray(0, 60))).toThrow("1×2 pixels don't fit into 60 bytes");
  });

  test('what is encoded decodes to the same pixels, or nearly so', async () => {
    const image = tf.tensor3d(PIXELS, [3, 5, 4], 'int32');
    const png = tf.node.decodePng(await tf.node.encodePng(image));
    expect([...png.dataSync()]).toEqual([...PIXELS]);
    const grey = tf.fill([8, 8, 1], 100, 'int32') as tf.Tensor3D;
    const jpeg = tf.node.decodeJpeg(await tf.node.encodeJpeg(grey));
    expect([jpeg.shape, Math.abs((jpeg.dataSync()[0] as number) - 100) <= 2]).toEqual([[8, 8, 1], true]);
    await expect(tf.node.encodeJpeg(image)).rejects.toThrow('expected a picture [height, width, 1 or 3]');
  });

  test('what is not here says what to do', () => {
    expect(() => tf.node.loadSavedModel()).toThrow('convert it once with tensorflowjs_converter');
    expect(() => tf.node.tensorBoard()).toThrow('tf.node.tensorBoard is not in tfjs-node-native');
  });
});
