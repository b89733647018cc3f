// A bot that draws what people ask for, several at a time: node bot.mjs
// Each line of stdin is a message, `!draw a red heart`. In place of a chat's network there is the terminal: what
// `receive` and `reply` do is what a bot for Discord, Slack or Matrix does with its library.

import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { selectBackend } from '@easel/core';
import { encodePng, PictureQueue } from '@easel/draw';
import { openPictureModel } from '@easel/draw/node';

/** Pictures drawn at a time, and requests that may wait; more are refused at once. */
const SLOTS = 4;
const MOST_REQUESTS = 16;

await selectBackend();
const model = await openPictureModel('@easel/model-emoji');
const queue = new PictureQueue(model, { slots: SLOTS, memory: process.availableMemory?.() });
const answers = new Set();
let messages = 0;

/** Messages, each with a number that stands for who sent it. */
async function* receive() {
  for await (const text of createInterface({ input: process.stdin })) yield { text, id: ++messages };
}

function reply(id, text) {
  console.log(`#${id} ${text}`);
}

async function answer({ text, id }) {
  const prompt = text.match(/^!draw\s+(\S.*)$/)?.[1];
  if (prompt === undefined) return;
  if (queue.load.requests >= MOST_REQUESTS) return reply(id, 'too many people are asking; try again soon');
  try {
    for await (const event of queue.submit({ prompts: [prompt], seed: id })) {
      if (event.type !== 'picture') continue;
      writeFileSync(`answer-${id}.png`, await encodePng(event.picture.pixels));
      reply(id, `${prompt}: answer-${id}.png`);
    }
  } catch (error) {
    reply(id, `that can't be drawn: ${error.message}`); // a request fails alone
  }
}

// Nobody waits for the picture of another: requests are drawn together.
for await (const message of receive()) {
  const going = answer(message).finally(() => answers.delete(going));
  answers.add(going);
}
await Promise.all(answers);
await queue.close();
model.dispose();
