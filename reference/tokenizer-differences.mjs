// node reference/tokenizer-differences.mjs FOLDER [--clip] < LINES: how many of the texts that
// tokenizer-differences.py prints get other ids, or ids another text, by Easel's tokenizers; the
// first of them. Exit code 1 if there are any.
import { createInterface } from 'node:readline';
import { openTokenizer } from '@easel/bart/node';
import { openClipTokenizer } from '@easel/clip/node';

const [folder, flag] = process.argv.slice(2);
const clip = flag === '--clip';
const tokenizer = await (clip ? openClipTokenizer : openTokenizer)(folder);
const count = { texts: 0, tokens: 0, decoded: 0, otherIds: 0, otherTexts: 0 };
const shown = 20;
for await (const line of createInterface({ input: process.stdin })) {
  const { text, ids, some, decoded } = JSON.parse(line);
  const ours = tokenizer.encode(text);
  count.texts++;
  count.tokens += ids.length;
  if (`${ours}` !== `${ids}`) {
    count.otherIds++;
    if (count.otherIds <= shown) console.log(JSON.stringify({ text, codes: codesOf(text), ids, ours }));
  }
  if (some === undefined) continue;
  count.decoded++;
  const back = tokenizer.decode(some);
  if (back !== decoded) {
    count.otherTexts++;
    if (count.otherTexts <= shown) console.log(JSON.stringify({ some, decoded, back }));
  }
}
console.log(JSON.stringify({ folder, ...count }));
process.exitCode = count.otherIds + count.otherTexts > 0 ? 1 : 0;

function codesOf(text) {
  return Array.from(text, (character) => character.codePointAt(0).toString(16)).join(' ');
}
