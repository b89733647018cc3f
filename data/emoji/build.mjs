// Builds the emoji picture folder: node data/emoji/build.mjs [--out DIR] [--size PX] [--drawings N]
// [--captions N] [--skin-tones] [--no-flags] [--style WORD] [--seed S] Reads two npm packages (dev dependencies),
// needs no network. See README.md.
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { canonicalCaption, captionsOf, randomCaption, randomFrom } from './captions.mjs';
import { listDrawings } from './drawings.mjs';

const usage = `node data/emoji/build.mjs [options]
  --out DIR        the folder to make; an older one of the same name is replaced (data/emoji/pictures)
  --size PX        side of a picture in pixels, 8 to 256 (128)
  --drawings N     so many drawings from places all over the set (all)
  --captions N     captions a drawing, 2 or more (10)
  --skin-tones     also the drawings with one skin tone, each with 0.15 of the captions
  --no-flags       without the flags of countries and regions
  --style WORD     a style word in 65 % of the captions (none)
  --seed S         seed of the captions (0)`;

/**
 * A drawing with a skin tone counts 0.15 of a base drawing, so that tones do not fill half of an
 * epoch.
 */
const toneWeight = 0.15;

/**
 * Makes the judged prompts (packages/train, judge/judged-prompts.ts): lists with one prompt for
 * each drawing. No text stands twice in a list.
 */
function promptLists(drawings, rows, seed) {
  const shuffled = [...drawings];
  const random = randomFrom(`${seed} prompts`);
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
  }
  const known = new Set([...rows.values()].flat());
  const lists = { canonical: [], paraphrase: [], unseen: [] };
  const used = { canonical: new Set(), paraphrase: new Set(), unseen: new Set() };
  const add = (list, drawing, prompt) => {
    if (prompt === undefined || used[list].has(prompt)) return;
    used[list].add(prompt);
    lists[list].push({ prompt, file: `${drawing.id}.png`, concept: drawing.concept });
  };
  for (const drawing of shuffled) {
    const canonical = canonicalCaption(drawing);
    add('canonical', drawing, canonical);
    const others = rows.get(drawing.id).filter((row) => row !== canonical && !used.paraphrase.has(row));
    add('paraphrase', drawing, others[Math.floor(random() * others.length)]);
    let fresh;
    for (let tries = 0; tries < 50 && fresh === undefined; tries++) {
      const caption = randomCaption(drawing, random);
      if (!known.has(caption) && !used.unseen.has(caption)) fresh = caption;
    }
    add('unseen', drawing, fresh);
  }
  return lists;
}

async function build({ out, size, count, captions, skinTones, flags, style, seed }) {
  const { drawings: all, unmatched } = listDrawings({ skinTones, flags });
  const step = Math.max(1, all.length / count);
  const drawings = all.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
  const partial = `${out}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });

  const rows = new Map();
  for (const drawing of drawings) {
    const png = await sharp(drawing.path)
      .resize(size, size, { kernel: 'lanczos3' })
      .flatten({ background: '#ffffff' })
      .removeAlpha() // flatten alone leaves a fourth channel on WebP
      .toColourspace('srgb')
      .png()
      .toBuffer();
    writeFileSync(join(partial, `${drawing.id}.png`), png);
    const count = drawing.tone ? Math.max(1, Math.round(captions * toneWeight)) : captions;
    rows.set(drawing.id, captionsOf(drawing, { count, seed, style }));
  }

  const lines = drawings.flatMap(({ id }) => rows.get(id).map((caption) => ({ file: `${id}.png`, caption })));
  writeFileSync(join(partial, 'captions.jsonl'), `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
  const lists = promptLists(drawings, rows, seed);
  writeFileSync(join(partial, 'prompts.json'), `${JSON.stringify(lists, null, 1)}\n`);
  mkdirSync(join(partial, 'prompts'));
  for (const [name, list] of Object.entries(lists)) {
    writeFileSync(
      join(partial, 'prompts', `${name}.txt`),
      `${list.map(({ prompt }) => prompt).join('\n')}\n`,
    );
  }
  rmSync(out, { recursive: true, force: true });
  renameSync(partial, out);

  const groups = {};
  for (const { group } of drawings) groups[group] = (groups[group] ?? 0) + 1;
  const words = lines.map(({ caption }) => caption.split(/\s+/).length);
  return {
    folder: out,
    pictures: drawings.length,
    concepts: new Set(drawings.map(({ concept }) => concept)).size,
    filesWithoutEntry: unmatched.length,
    captions: lines.length,
    distinctCaptions: new Set(lines.map(({ caption }) => caption)).size,
    captionsOfThePoorestDrawing: Math.min(...[...rows.values()].map((list) => list.length)),
    meanWords: Number((words.reduce((a, b) => a + b, 0) / words.length).toFixed(2)),
    maxWords: Math.max(...words),
    groups,
    prompts: Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list.length])),
  };
}

/** Reads an integer option within bounds, or ends the program with a message. */
function integer(name, text, least, most) {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`--${name}: expected a whole number from ${least} to ${most}, got "${text}".`);
}

try {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: join(import.meta.dirname, 'pictures') },
      size: { type: 'string', default: '128' },
      drawings: { type: 'string', default: '10000' },
      captions: { type: 'string', default: '10' },
      'skin-tones': { type: 'boolean', default: false },
      'no-flags': { type: 'boolean', default: false },
      style: { type: 'string', default: '' },
      seed: { type: 'string', default: '0' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) console.log(usage);
  else {
    const report = await build({
      out: values.out,
      size: integer('size', values.size, 8, 256),
      count: integer('drawings', values.drawings, 1, 10_000),
      captions: integer('captions', values.captions, 2, 1000),
      skinTones: values['skin-tones'],
      flags: !values['no-flags'],
      style: values.style,
      seed: integer('seed', values.seed, 0, 2 ** 31 - 1),
    });
    console.log(JSON.stringify(report, null, 2));
  }
} catch (error) {
  console.error(`${error.message}\n\n${usage}`);
  process.exitCode = 1;
}
