// Finds the drawings' image tokens under the shipped model's VQGAN: node data/emoji/encode.mjs
// [--pictures DIR] [--out DIR] That VQGAN is shipped without its encoder. But the shipped
// transformer recites the tokens of the drawings that it learnt. So the program draws each drawing
// from its captions, with the likeliest token each time, and keeps the tokens whose picture is
// nearest to the real one.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { generateTokens } from '@easel/bart';
import { openDalleBart } from '@easel/bart/node';
import { selectBackend } from '@easel/core';
import { decodePicture, defaultPictureShape, writeShard } from '@easel/train';
import { openVqgan } from '@easel/vqgan/node';
import * as tf from '@tensorflow/tfjs';

const usage = `node data/emoji/encode.mjs [options]
  --pictures DIR   the folder made by build.mjs (data/emoji/pictures)
  --model DIR      the model that learnt them (data/models/emoji)
  --out DIR        where train/ and held-out/ go, a parquet file each (data/emoji/encoded)
  --rounds N       captions of a drawing that are tried at most (6)
  --enough DB      a picture this near to the real one, in dB, ends the search for its drawing (19)
  --least DB       a drawing whose best picture is farther off is left out (15)`;

const side = 64;
const batch = 64;
/** Every 20th drawing is held out, with all its captions. */
const every = 20;

/** Peak signal-to-noise ratio in dB of pixels in [0, 1]. */
function psnr(drawn, real) {
  let sum = 0;
  for (let i = 0; i < real.length; i++) sum += (Math.min(1, Math.max(0, drawn[i])) - real[i]) ** 2;
  return -10 * Math.log10(sum / real.length);
}

async function main({ pictures, model, out, rounds, enough, least }) {
  await selectBackend();
  const bart = await openDalleBart(model);
  const vqgan = await openVqgan(join(model, 'vqgan'), { decoderOnly: true });
  const rows = readFileSync(join(pictures, 'captions.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const drawings = new Map();
  for (const { file, caption } of rows) {
    const drawing = drawings.get(file) ?? { file, captions: [], best: -Infinity, tokens: null };
    if (!drawing.captions.includes(caption)) drawing.captions.push(caption);
    drawings.set(file, drawing);
  }
  const all = [...drawings.values()];
  for (const drawing of all) {
    const bytes = await decodePicture(join(pictures, drawing.file), { ...defaultPictureShape, size: side });
    drawing.real = Float32Array.from(bytes, (byte) => byte / 255);
  }
  for (let round = 0; round < rounds; round++) {
    const open = all.filter(({ best, captions }) => best < enough && captions.length > round);
    for (let begin = 0; begin < open.length; begin += batch) {
      const some = open.slice(begin, begin + batch);
      const inputs = bart.processor.process(some.map(({ captions }) => captions[round]));
      const found = await generateTokens(bart.model, inputs, {
        greedy: true,
        conditionScale: round % 2 === 0 ? 1 : 1.5,
      });
      const drawn = tf.tidy(() =>
        vqgan.decodeCode(
          tf.tensor2d(Int32Array.from(found.flatMap((row) => [...row])), [some.length, 64], 'int32'),
        ),
      );
      const pixels = await drawn.data();
      drawn.dispose();
      const size = side * side * 3;
      for (const [i, drawing] of some.entries()) {
        const quality = psnr(pixels.subarray(i * size, (i + 1) * size), drawing.real);
        if (quality > drawing.best) Object.assign(drawing, { best: quality, tokens: found[i] });
      }
      process.stderr.write(
        `\rround ${round + 1}: ${Math.min(open.length, begin + batch)} of ${open.length} drawings `,
      );
    }
    process.stderr.write('\n');
  }
  const kept = all.filter(({ best }) => best >= least);
  const encoded = new Map(kept.map(({ file, tokens }) => [file, [...tokens]]));
  const heldOut = new Set(kept.filter((_, i) => i % every === 0).map(({ file }) => file));
  const rowsOf = (wanted) =>
    rows
      .filter(({ file }) => encoded.has(file) && wanted(file))
      .map(({ file, caption }) => ({ caption, encoding: encoded.get(file), source: file }));
  const sets = {
    train: rowsOf((file) => !heldOut.has(file)),
    'held-out': rowsOf((file) => heldOut.has(file)),
  };
  for (const [name, set] of Object.entries(sets)) {
    mkdirSync(join(out, name), { recursive: true });
    await writeShard(join(out, name, 'shard-00000.parquet'), set);
  }
  const mean = kept.reduce((sum, { best }) => sum + best, 0) / kept.length;
  console.log(
    JSON.stringify(
      {
        out,
        drawings: kept.length,
        heldOut: heldOut.size,
        rows: { train: sets.train.length, heldOut: sets['held-out'].length },
        meanPsnr: Number(mean.toFixed(2)),
        leftOut: all.filter(({ file }) => !encoded.has(file)).map(({ file }) => file),
      },
      null,
      2,
    ),
  );
}

const { values } = parseArgs({
  options: {
    pictures: { type: 'string', default: join(import.meta.dirname, 'pictures') },
    model: { type: 'string', default: join(import.meta.dirname, '..', 'models', 'emoji') },
    out: { type: 'string', default: join(import.meta.dirname, 'encoded') },
    rounds: { type: 'string', default: '6' },
    enough: { type: 'string', default: '19' },
    least: { type: 'string', default: '15' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(usage);
else
  await main({
    ...values,
    rounds: Number(values.rounds),
    enough: Number(values.enough),
    least: Number(values.least),
  });
