// Draws a sheet of scenes with their captions: node data/scenes/sheet.mjs OUT.png [--seed S] [--count N] [--kinds K]
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { open, options } from './generator.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '0' },
    count: { type: 'string', default: '60' },
    kinds: { type: 'string', default: '' },
    columns: { type: 'string', default: '10' },
  },
});
if (positionals.length !== 1)
  throw new Error('Usage: node data/scenes/sheet.mjs OUT.png [--seed S] [--count N] [--kinds K]');
const count = Number(values.count);
const columns = Number(values.columns);
const source = open({
  seed: Number(values.seed),
  count,
  size: 128,
  captions: options.captions.default,
  kinds: values.kinds,
});
const [width, height] = [136, 176];
const escaped = (text) => text.replace(/[<>&]/g, (c) => `&#${c.charCodeAt(0)};`);

/** Cuts a caption into lines of about 22 letters. */
function lines(text) {
  const out = [''];
  for (const word of text.split(' ')) {
    if (out.at(-1) !== '' && `${out.at(-1)} ${word}`.length > 22) out.push(word);
    else out[out.length - 1] = `${out.at(-1)} ${word}`.trim();
  }
  return out.slice(0, 3);
}

const parts = [];
for (let n = 0; n < count; n++) {
  const { captions, bytes } = source.picture(n);
  const left = (n % columns) * width;
  const top = Math.floor(n / columns) * height;
  parts.push({ input: await bytes(), left: left + 4, top });
  const text = lines(captions[0])
    .map(
      (line, i) =>
        `<text x="4" y="${11 + 13 * i}" font-size="11" font-family="sans-serif">${escaped(line)}</text>`,
    )
    .join('');
  parts.push({ input: Buffer.from(`<svg width="${width}" height="44">${text}</svg>`), left, top: top + 130 });
}
await sharp({
  create: {
    width: columns * width,
    height: Math.ceil(count / columns) * height,
    channels: 3,
    background: '#ffffff',
  },
})
  .composite(parts)
  .png()
  .toFile(positionals[0]);
console.log(positionals[0]);
