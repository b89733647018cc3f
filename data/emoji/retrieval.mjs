// Judges drawings by retrieval: node data/emoji/retrieval.mjs RESULTS.json [--pictures DIR] [--list
// canonical|paraphrase|unseen] RESULTS.json is what `easel generate --prompts … --json` printed:
// [{ file, prompt, … }]; or a folder that holds it as results.json.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { nearestConcepts, pictureFeatures } from '@easel/train';
import sharp from 'sharp';

const usage = `node data/emoji/retrieval.mjs RESULTS [options]
  RESULTS          the JSON that "easel generate --json" printed, or a folder holding it as results.json
  --pictures DIR   the folder made by build.mjs, with prompts.json (data/emoji/pictures)
  --list NAME      where prompts are looked up: canonical, paraphrase, unseen, or any (any)
  --self           judge the real pictures themselves instead of RESULTS: the metric's ceiling, 100 % but for equal drawings
  --misses N       also list the first N drawings whose nearest concept is another one (0)`;

/** Computes the features by which a picture is compared. */
async function features(path) {
  const { data, info } = await sharp(path)
    .flatten({ background: '#ffffff' })
    .removeAlpha()
    .toColourspace('srgb')
    .resize(64, 64, { kernel: 'lanczos3', fit: 'fill' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3) throw new Error(`${path}: expected 3 channels, got ${info.channels}.`);
  return pictureFeatures(data, 64);
}

/**
 * Maps prompts to concepts, for one list or for all lists together. A prompt of several concepts
 * counts for each of them.
 */
function conceptsOfPrompts(lists, name) {
  const concepts = new Map();
  const names = name === 'any' ? Object.keys(lists) : [name];
  for (const list of names) {
    if (lists[list] === undefined)
      throw new Error(`--list: expected one of ${Object.keys(lists).join(', ')}, any; got "${list}".`);
    for (const { prompt, concept } of lists[list])
      concepts.set(prompt, [...(concepts.get(prompt) ?? []), concept]);
  }
  return concepts;
}

async function judge({ results, pictures, list, self, misses }) {
  const lists = JSON.parse(readFileSync(join(pictures, 'prompts.json'), 'utf8'));
  const conceptOfFile = new Map(lists.canonical.map(({ file, concept }) => [file, concept]));
  const gallery = [];
  for (const file of readdirSync(pictures).filter((name) => conceptOfFile.has(name))) {
    gallery.push({ file, concept: conceptOfFile.get(file), features: await features(join(pictures, file)) });
  }

  let drawings;
  if (self) drawings = lists.canonical.map(({ file, prompt }) => ({ file: join(pictures, file), prompt }));
  else {
    const path = statSync(results).isDirectory() ? join(results, 'results.json') : results;
    drawings = JSON.parse(readFileSync(path, 'utf8')).map((row) => ({
      prompt: row.prompt,
      // Paths are relative to where generate ran; a results.json that moved with its folder finds
      // them beside itself.
      file:
        isAbsolute(row.file) || statSync(row.file, { throwIfNoEntry: false })
          ? row.file
          : resolve(dirname(path), row.file),
    }));
  }
  const concepts = conceptsOfPrompts(lists, self ? 'canonical' : list);
  const known = drawings.filter(({ prompt }) => concepts.has(prompt));
  if (known.length === 0)
    throw new Error(`None of the ${drawings.length} prompts in ${results} is in ${pictures}/prompts.json.`);

  let top1 = 0;
  let top5 = 0;
  const missed = [];
  for (const { file, prompt } of known) {
    const found = nearestConcepts(await features(file), gallery, 5);
    const own = concepts.get(prompt);
    if (own.includes(found[0])) top1++;
    else if (missed.length < misses) missed.push({ prompt, file, nearest: found[0] });
    if (found.some((concept) => own.includes(concept))) top5++;
  }
  const percent = (count) => Number(((100 * count) / known.length).toFixed(1));
  return {
    judged: known.length,
    unknownPrompts: drawings.length - known.length,
    gallery: gallery.length,
    top1: percent(top1),
    top5: percent(top5),
    ...(misses > 0 ? { missed } : {}),
  };
}

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      pictures: { type: 'string', default: join(import.meta.dirname, 'pictures') },
      list: { type: 'string', default: 'any' },
      self: { type: 'boolean', default: false },
      misses: { type: 'string', default: '0' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) console.log(usage);
  else if (positionals.length !== (values.self ? 0 : 1)) throw new Error('Expected one RESULTS argument.');
  else {
    const report = await judge({ ...values, misses: Number(values.misses), results: positionals[0] });
    console.log(JSON.stringify(report, null, 2));
  }
} catch (error) {
  console.error(`${error.message}\n\n${usage}`);
  process.exitCode = 1;
}
