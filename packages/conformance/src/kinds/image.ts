import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fromBytes, toBytes } from '@easel/core';
import { type OriginalPreparation, prepareAsOriginal, readRgb } from '@easel/train/internals';
import type { Checks, Tolerance } from '../checks.js';
import { GoldenArrays, readJson } from '../golden.js';
import type { Case, GoldenFolder, Kind } from '../kind.js';

/** Prefixes of array names → the programs they belong to. */
const PROGRAMS: Readonly<Record<string, OriginalPreparation>> = {
  july: 'july-2021',
  july_float: 'july-2021',
  september: 'september-2021',
  taming: 'taming',
};

const OPENCV: Tolerance = {
  absolute: 1 / 127.5 + 1e-7,
  reason: "versions of OpenCV differ by a step of 8 bits, 1/127.5; against this file's version it is 0",
};

const MEAN: Tolerance = { absolute: 1e-7, reason: 'a mean in float64 of equal numbers' };

/**
 * Compares the preparation of pictures for the encoder, and the conversion of the decoder's output
 * to bytes.
 */
export const kind: Kind = {
  cases(folder: GoldenFolder): Case[] {
    const cases: Case[] = [];
    if (folder.has('preprocess.safetensors')) {
      const golden = new GoldenArrays(folder.file('preprocess.safetensors'));
      for (const image of new Set(golden.names.map((name) => name.split('/')[1] as string))) {
        cases.push(pictureCase(folder, golden, image));
      }
    }
    if (folder.has('output.safetensors')) cases.push(outputCase(folder.file('output.safetensors')));
    return cases;
  },
  besides: /\.png$|^preprocess\.json$/,
};

/**
 * Makes the case of one picture as each program prepares it. Arrays are called program/image/size.
 */
function pictureCase(folder: GoldenFolder, golden: GoldenArrays, image: string): Case {
  return {
    name: image,
    async run(checks) {
      const picture = await readRgb(join(folder.path, 'inputs', `${image}.png`));
      for (const name of golden.names.filter((each) => each.split('/')[1] === image)) {
        const [program = '', , size] = name.split('/');
        const by = PROGRAMS[program];
        if (by === undefined) {
          checks.holds('arrays', name, `no program ${program}`);
          continue;
        }
        const { data } = prepareAsOriginal(picture, Number(size), by);
        comparePrepared(checks, golden, name, program, data);
      }
      compareScale(checks, folder, image, fromBytes(picture.data));
    },
  };
}

function comparePrepared(
  checks: Checks,
  golden: GoldenArrays,
  name: string,
  program: string,
  data: Uint8Array,
): void {
  if (program === 'taming') {
    const signed = Float32Array.from(data, (byte) => byte / 127.5 - 1);
    checks.close('pixels of taming', name, signed, golden.floats(name), OPENCV);
  } else if (program === 'july_float') {
    checks.equal('pixels', name, fromBytes(data), golden.floats(name));
  } else {
    const stored = golden.values(name) as Uint8Array;
    const bytes = stored.length === data.length ? data : data.filter((_, i) => i % 3 === 0); // grey: one channel
    checks.equal('bytes', name, bytes, stored);
  }
}

/** Compares webdataset's decode("rgb") of the whole picture by the recorded mean. */
function compareScale(checks: Checks, folder: GoldenFolder, image: string, values: Float32Array): void {
  const file = folder.file('preprocess.json');
  if (!existsSync(file)) return;
  const rows = readJson<{ image: string; webdataset_rgb_mean: number }[]>(file);
  const row = rows.find((each) => each.image === image);
  if (row === undefined) return;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  checks.close('scaling', image, [mean], [row.webdataset_rgb_mean], MEAN);
}

/**
 * Makes the case of a decoder's floats as bytes: of a model in [0, 1], and of one in [−1, 1], whose
 * output a Vqgan halves and shifts.
 */
function outputCase(file: string): Case {
  return {
    name: 'output',
    run(checks) {
      const golden = new GoldenArrays(file);
      const decoded = golden.floats('decoded');
      checks.equal('bytes', 'uint8', toBytes(decoded), golden.values('uint8'));
      const unit = Float32Array.from(decoded, (x) => Math.fround(x * 0.5) + 0.5);
      checks.equal('bytes', 'taming_uint8', toBytes(unit), golden.values('taming_uint8'));
    },
  };
}
