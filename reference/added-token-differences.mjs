// node reference/added-token-differences.mjs FILE: how many of the texts that
// added-token-differences.py wrote get other ids by Easel's tokenizers, before and after their
// files are written and read again, and how many ids another text; the first of them. Exit code 1
// if there are any.
import { readFileSync } from 'node:fs';
import { BpeTokenizer } from '@easel/bart';
import { tokenizerFiles } from '@easel/bart/internals';
import { ClipTokenizer } from '@easel/clip';
import { clipTokenizerFiles } from '@easel/clip/internals';

const count = { tokenizers: 0, texts: 0, otherIds: 0, otherAfterWriting: 0, otherTexts: 0 };
for (const line of readFileSync(process.argv[2], 'utf8').trim().split('\n')) {
  const { kind, files, cases } = JSON.parse(line);
  const Tokenizer = kind === 'clip' ? ClipTokenizer : BpeTokenizer;
  const tokenizer = Tokenizer.fromFiles(files);
  const written = (kind === 'clip' ? clipTokenizerFiles : tokenizerFiles)(tokenizer);
  const again = Tokenizer.fromFiles({
    vocab: written.get('vocab.json'),
    merges: written.get('merges.txt'),
    specialTokensMap: written.get('special_tokens_map.json'),
    tokenizerConfig: written.get('tokenizer_config.json'),
  });
  count.tokenizers++;
  for (const { text, ids, decoded } of cases) {
    count.texts++;
    const ours = tokenizer.encode(text).slice(1, -1);
    if (`${ours}` !== `${ids}` && count.otherIds++ < 10)
      console.log(JSON.stringify({ kind, text, ids, ours, tokenizer: count.tokenizers }));
    if (`${again.encode(text).slice(1, -1)}` !== `${ids}`) count.otherAfterWriting++;
    if (decoded === undefined) continue;
    const back = tokenizer.decode(ids);
    if (back !== decoded && count.otherTexts++ < 10)
      console.log(JSON.stringify({ kind, ids, decoded, back }));
  }
}
console.log(JSON.stringify(count));
process.exitCode = count.otherIds + count.otherAfterWriting + count.otherTexts > 0 ? 1 : 0;
