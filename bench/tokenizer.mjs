// node bench/tokenizer.mjs [--python PATH] [--vocabulary DIR] [--clip DIR] [--rounds N]
// Tokens a second of Easel's tokenizers beside Hugging Face's `tokenizers` (Rust), in turns within
// one run, one core each, medians. Texts: captions of emoji (12,161 of them, real names and tags)
// one by one, and the project's own documents as one text. The shipped model's vocabulary (1,788
// merges) is always there; --vocabulary: a folder with vocab.json and merges.txt of BART's kind;
// --clip: one of CLIP's. "first" is a new tokenizer's first pass over the texts, whose words it has
// not seen; the other passes find most words remembered.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { openTokenizer } from '@easel/bart/node';
import { openClipTokenizer } from '@easel/clip/node';
import { Contestant } from './contestant.mjs';
import { median } from './median.mjs';

const { values: options } = parseArgs({
  options: {
    python: { type: 'string', default: process.env.EASEL_BENCH_PYTHON ?? 'python3' },
    vocabulary: { type: 'string' },
    clip: { type: 'string' },
    rounds: { type: 'string', default: '7' },
  },
});
const root = new URL('../', import.meta.url);
const emoji = createRequire(import.meta.url)('emojibase-data/en/data.json');
const captions = emoji.flatMap(({ label, tags = [] }) =>
  ['', ...tags].map((tag) => `a ${label}${tag && `, ${tag},`} on a white background`),
);
const documents = [
  'LICENSE',
  'CONTRIBUTING.md',
  'docs/design.md',
  'packages/bart/README.md',
  'packages/core/README.md',
  'packages/tfjs-backend-native/README.md',
].map((file) => readFileSync(new URL(file, root), 'utf8'));
const text = documents.join('\n').repeat(8);

const vocabularies = [
  { name: 'emoji', folder: new URL('data/models/emoji', root).pathname, open: openTokenizer },
  { name: options.vocabulary, folder: options.vocabulary, open: openTokenizer },
  { name: options.clip, folder: options.clip, open: openClipTokenizer, clip: true },
].filter(({ folder }) => folder !== undefined);

const peer = new Contestant(
  'tokenizers',
  options.python,
  [new URL('peers/bpe.py', import.meta.url).pathname],
  {
    env: { TOKENIZERS_PARALLELISM: 'false', RAYON_NUM_THREADS: '1' },
  },
);
const { version } = (await peer.ask({})) ?? {};
if (version === undefined) console.log(`tokenizers did not start: ${peer.lastWords}`);
console.log(`Node ${process.version}, tokenizers ${version ?? '–'}; million tokens/s`);
console.log('| vocabulary | texts | tokens | easel | easel, first | tokenizers | ratio | same ids |');
console.log('|---|---|--:|--:|--:|--:|--:|---|');
for (const { name, folder, open, clip = false } of vocabularies) {
  for (const [what, texts] of [
    ['captions', captions],
    ['documents', [text]],
  ]) {
    const fresh = await open(folder);
    const first = pass(fresh, texts);
    const { lowerCase = false, addPrefixSpace = false } = fresh.wordOptions ?? {};
    const theirs = await peer.ask({ folder, clip, lowerCase, addPrefixSpace, texts });
    const [ours, others] = [[], []];
    for (let round = 0; round < Number(options.rounds); round++) {
      ours.push(pass(fresh, texts).seconds);
      const seconds = (await peer.ask({ time: true }))?.seconds;
      if (seconds !== undefined) others.push(seconds);
    }
    const speed = (seconds) => first.ids.length / seconds / 1e6;
    const [easel, other] = [speed(median(ours)), others.length === 0 ? undefined : speed(median(others))];
    const same = theirs === undefined ? '–' : `${theirs.ids}` === `${first.ids}` ? 'yes' : 'no';
    const cells = [name, what, first.ids.length, easel.toFixed(2), speed(first.seconds).toFixed(2)];
    console.log(
      `| ${cells.join(' | ')} | ${other?.toFixed(2) ?? '–'} | ${other === undefined ? '–' : (easel / other).toFixed(2)} | ${same} |`,
    );
  }
}
peer.end();

/** Encodes all texts. Returns their ids in a row, and the time it took. */
function pass(tokenizer, texts) {
  const begin = performance.now();
  const rows = texts.map((one) => tokenizer.encode(one));
  const seconds = (performance.now() - begin) / 1000;
  return { ids: rows.flat(), seconds };
}
