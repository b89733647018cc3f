import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prngKey } from '@easel/core';
import { initializeVqgan, parseVqganConfig, Vqgan } from '@easel/vqgan';
import { openVqgan, saveVqgan } from '@easel/vqgan/node';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { startTestBackend } from '../../testing/backend.js';
import { tinyVqganJson } from '../../testing/tiny-models.js';
import { encodePictures } from '../encoding/encode.js';
import { openPictures } from '../sources/open-pictures.js';
import { requireEncodingVqgan } from './encoding-vqgan.js';

let root: string;
const at = (...parts: string[]) => join(root, ...parts);

async function writeVqgan(name: string, seed: number): Promise<void> {
  const vqgan = new Vqgan(parseVqganConfig(tinyVqganJson));
  initializeVqgan(vqgan, prngKey(seed));
  await saveVqgan(at(name), vqgan);
  vqgan.dispose();
}

beforeAll(async () => {
  await startTestBackend();
  root = mkdtempSync(join(tmpdir(), 'easel-encoding-vqgan-'));
  await writeVqgan('ours', 5);
  await writeVqgan('other', 6);
  mkdirSync(at('pictures'));
  for (const colour of ['red', 'blue']) {
    const create = { width: 9, height: 9, channels: 3 as const, background: colour };
    await sharp({ create })
      .png()
      .toFile(at('pictures', `${colour}.png`));
    writeFileSync(at('pictures', `${colour}.txt`), colour);
  }
  const vqgan = await openVqgan(at('ours'));
  await encodePictures(await openPictures(at('pictures')), { vqgan, out: at('set') });
  for (const dtype of ['F16', 'BF16'] as const)
    await saveVqgan(at(dtype), vqgan, { dtype, decoderOnly: true });
  vqgan.dispose();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('the VQGAN that encoded the set, also rounded and without its encoder', async () => {
  const before = tf.memory().numTensors;
  for (const name of ['ours', 'F16', 'BF16']) await requireEncodingVqgan(at(name), [at('set')]);
  expect(tf.memory().numTensors).toBe(before);
});

test('its tokens are those of a VQGAN whose decoder was trained on', async () => {
  const vqgan = await openVqgan(at('ours'));
  for (const [name, weight] of vqgan.namedWeights())
    if (name.startsWith('decoder.')) (weight as tf.Variable).assign(weight.add(0.5));
  await saveVqgan(at('tuned'), vqgan);
  vqgan.dispose();
  await requireEncodingVqgan(at('tuned'), [at('set')]);
});

test('another one is refused with both folders named, whichever set it is', async () => {
  const before = tf.memory().numTensors;
  writeFileSync(at('alone.jsonl'), '');
  await requireEncodingVqgan(at('other'), [at('alone.jsonl')]);
  await expect(requireEncodingVqgan(at('other'), [at('alone.jsonl'), at('set')])).rejects.toThrow(
    `the set ${at('set')} was encoded with another VQGAN than the one in ${at('other')}`,
  );
  expect(tf.memory().numTensors).toBe(before);
});

test('a manifest from before: its digest counts, where there is an encoder', async () => {
  mkdirSync(at('old'));
  const { codebookPrint, ...manifest } = JSON.parse(readFileSync(at('set', 'manifest.json'), 'utf8'));
  expect(codebookPrint).toHaveLength(64);
  writeFileSync(at('old', 'manifest.json'), JSON.stringify(manifest));
  await requireEncodingVqgan(at('ours'), [at('old')]);
  await requireEncodingVqgan(at('F16'), [at('old')]);
  await expect(requireEncodingVqgan(at('other'), [at('old')])).rejects.toThrow('another VQGAN');
});
