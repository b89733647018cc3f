import { expect, test } from '@jest/globals';
import { EmojiCaptions, parseEmojiCaptions } from './emoji-captions.js';

const captions = new EmojiCaptions([
  ['🦊', 'a fox'],
  ['🐱', 'a cat face'],
  ['🍎', 'a red apple'],
  ['🍕', 'a pizza'],
  ['👍', 'a thumbs up'],
  ['❤️', 'a red heart'],
  ['🔥', 'a fire'],
  ['❤️‍🔥', 'a heart on fire'],
  ['🧑', 'a person'],
  ['👨‍👩', 'a couple'],
  ['👧', 'a girl'],
  ['1⃣', 'keycap: 1'],
  ['🇫🇷', 'flag of france'],
  ['🏳️‍🌈', 'rainbow flag'],
  ['🚒', 'a fire engine'],
]);

test.each([
  ['🦊', 'a fox'],
  ['❤', 'a red heart'],
  ['❤️', 'a red heart'],
  ['❤︎', 'a red heart'],
  ['1️⃣', 'keycap: 1'],
  ['1 of 2', '1 of 2'], // a digit alone is no keycap
  ['🇫🇷', 'flag of france'],
  ['🏳️‍🌈', 'rainbow flag'],
  ['❤️‍🔥', 'a heart on fire'],
  ['👍🏽', 'a thumbs up'], // no drawing of that tone: the one without
  ['🧑🏻‍🚒', 'a person and a fire engine'], // no such sequence: what it joins
  ['👨‍👩‍👧', 'a couple and a girl'], // the longest beginning first
])('%s stands for its caption', (emoji, caption) => {
  expect(captions.apply(emoji)).toBe(caption);
});

test.each([
  ['🦊🐱', 'a fox and a cat face'],
  ['🦊 🐱 ❤️', 'a fox and a cat face and a red heart'],
  ['my 🦊', 'my fox'],
  ['my🦊sleeps', 'my fox sleeps'],
  ['🦊 in the snow', 'a fox in the snow'],
  ['🦊, asleep', 'a fox, asleep'],
  ['a red 🍎', 'a red apple'],
  ['🍕 pizza', 'a pizza'],
  ['🍕 Pizza!', 'a pizza!'],
  ['🍕 pizzas', 'a pizza pizzas'],
  ['🐱 faces', 'a cat face faces'],
  ['', ''],
  ['no emoji', 'no emoji'],
])('in a text: %s', (text, read) => {
  expect(captions.apply(text)).toBe(read);
});

test('what is unknown, or has an unknown part, stays for the normalizer', () => {
  expect(captions.apply('🦩')).toBe('🦩');
  expect(captions.apply('a 🦩 and 🦊')).toBe('a 🦩 and fox');
  expect(captions.apply('🦊‍🦩')).toBe('🦊‍🦩');
  expect(captions.apply('🇩🇪')).toBe('🇩🇪');
});

test('a file is an object of captions', () => {
  expect(parseEmojiCaptions('{"🦊": "a fox"}').apply('🦊')).toBe('a fox');
  expect(() => parseEmojiCaptions('["🦊"]')).toThrow('emoji.json: expected an object of emoji');
  expect(() => parseEmojiCaptions('{"🦊": 3}', 'm/emoji.json')).toThrow(
    'm/emoji.json: 🦊: expected a caption, got 3',
  );
  expect(() => parseEmojiCaptions('{"🦊": "a')).toThrow('emoji.json: not JSON');
});
