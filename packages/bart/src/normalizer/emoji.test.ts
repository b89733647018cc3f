import { expect, test } from '@jest/globals';
import { demojize } from './emoji.js';

// What `emoji.demojize` of the Python package emoji 1.7.0 gives.
test.each([
  ['a name', 'a 🍕!', 'a :pizza:!'],
  ['with and without a selector', '❤️ ❤', ':red_heart: :red_heart:'],
  ['the longest emoji', '👨‍👩‍👧', ':family_man_woman_girl:'],
  ['tones behind the name', '👍🏽', ':thumbs_up_medium_skin_tone:'],
  ['two persons, two tones', '🧑🏿‍🤝‍🧑🏻', ':people_holding_hands_dark_skin_tone_light_skin_tone:'],
  [
    'a name of its own with tones',
    '🧑🏿‍❤️‍🧑🏻',
    ':couple_with_heart_person_person_dark_skin_tone_light_skin_tone:',
  ],
  ['one tone for two persons is no emoji', '🧑🏻‍🤝‍🧑', '🧑:light_skin_tone:‍:handshake:‍:person:'],
  ['an emoji that goes on to nothing has no name', '❤️‍cat', '❤‍cat'],
  ['keycaps, and digits alone', '#️⃣ 1', ':keycap_#: 1'],
  ['flags', '🇹🇷🇩', ':Turkey:🇩'],
  ['lone selectors vanish', 'a️b︎', 'ab'],
])('%s', (_, text, names) => {
  expect(demojize(text)).toBe(names);
});

test('another mark around names', () => {
  expect(demojize('🍕', '')).toBe('pizza');
});
