// Writes src/normalizer/emoji-names.ts from emojibase-data (MIT): the names that the Python package emoji 1.7.0 gives,
// that is, CLDR short names of Emoji 14. Usage: node packages/bart/scripts/make-emoji-names.mjs
import { readFileSync, writeFileSync } from 'node:fs';

const data = JSON.parse(
  readFileSync(new URL('../../../node_modules/emojibase-data/en/data.json', import.meta.url), 'utf8'),
);
const bare = (emoji) => emoji.replaceAll('\ufe0f', '');
const underscored = (label) =>
  label
    .replace(/^flag: /, '')
    .replace(/[:,“”]/g, '')
    .replaceAll(' ', '_')
    // as emoji 1.7.0 has them
    .replace('Mx_Claus', 'mx_claus')
    .replace('Türkiye', 'Turkey')
    .replace(/^enraged_face$/, 'pouting_face')
    .replace(/^ZZZ$/, 'zzz');
const TONES = ['light', 'medium-light', 'medium', 'medium-dark', 'dark'];
const tone = (char) => `${TONES[char.codePointAt(0) - 0x1f3fb]}_skin_tone`;

/** The name by the rule that emoji-names.ts applies, or undefined. */
function byRule(emoji, names) {
  const tones = [...emoji].filter((c) => /\p{Emoji_Modifier}/u.test(c)).map(tone);
  const name = names.get(bare(emoji).replace(/\p{Emoji_Modifier}/gu, ''));
  return name === undefined ? undefined : [name, ...tones].join('_');
}

const known = data.filter((e) => e.version <= 14 && !/^[\u{1F1E6}-\u{1F1FF}]$/u.test(e.emoji));
const names = new Map(known.map((e) => [bare(e.emoji), underscored(e.label)]));
const toned = new Set(known.filter((e) => e.skins).map((e) => bare(e.emoji)));
const exceptions = [];
for (const e of known)
  for (const skin of e.skins ?? [])
    if (skin.version <= 14 && byRule(skin.emoji, names) !== underscored(skin.label))
      exceptions.push([bare(skin.emoji), underscored(skin.label)]);

const line = ([emoji, name]) => `${emoji}${toned.has(emoji) ? '+' : ' '}${name}`;
const rows = [...names, ...exceptions].map(line);
writeFileSync(
  new URL('../src/normalizer/emoji-names.ts', import.meta.url),
  `// Written by scripts/make-emoji-names.mjs from emojibase-data (MIT). Do not edit.

/**
 * Emoji without variation selectors, then "+" if skin tones may follow its persons (the tones' names are then put behind
 * its own) or a space, then the name.
 */
export const EMOJI_NAMES = \`${rows.join('\n').replaceAll('`', '\\`')}\`;
`,
);
console.log(`${names.size} names, ${exceptions.length} exceptions`);
