// Writes what a model of these drawings knows of prompts into its folder: node
// data/emoji/prompt-files.mjs [--model DIR] [--captions FILE]. emoji.json says which captions emoji
// stand for. words.json counts the words of the captions; a training writes it, too.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDalleBart } from '@easel/bart/node';
import { EMOJI_FILE, WORDS_FILE, WordCounter, wordListToJson } from '@easel/draw';
import { canonicalCaption } from './captions.mjs';
import { emojiOf, listDrawings } from './drawings.mjs';

const usage = `node data/emoji/prompt-files.mjs [options]
  --model DIR      the model's folder (data/models/emoji)
  --captions FILE  the captions that it learnt; without it words.json is left as it is`;

const write = (path, json) => writeFileSync(path, `${JSON.stringify(json, null, 1)}\n`);

try {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: join(import.meta.dirname, '..', 'models', 'emoji') },
      captions: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) console.log(usage);
  else {
    const { drawings } = listDrawings();
    const captions = drawings.map((drawing) => [emojiOf(drawing), canonicalCaption(drawing)]);
    write(join(values.model, EMOJI_FILE), Object.fromEntries(captions));
    const report = { emoji: captions.length };
    if (values.captions !== undefined) {
      const { processor, dispose } = await openDalleBart(values.model);
      const counter = new WordCounter();
      for (const line of readFileSync(values.captions, 'utf8').trim().split('\n'))
        counter.add(processor.textOf(JSON.parse(line).caption));
      dispose();
      const list = counter.list();
      write(join(values.model, WORDS_FILE), wordListToJson(list));
      report.words = list.counts.size;
    }
    console.log(JSON.stringify(report));
  }
} catch (error) {
  console.error(`${error.message}\n\n${usage}`);
  process.exitCode = 1;
}
