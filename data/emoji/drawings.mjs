// Lists the drawings: the files of @lobehub/fluent-emoji-3d, joined to the entries of
// emojibase-data by code points.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const emojibase = dirname(require.resolve('emojibase-data/package.json'));
const assets = join(dirname(require.resolve('@lobehub/fluent-emoji-3d/package.json')), 'assets');

const shortcodeSets = ['cldr', 'emojibase', 'github', 'joypixels'];
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/**
 * Join key: upper-case code points without the variation selectors FE0E and FE0F, which the two
 * packages use differently.
 */
const joinKey = (hexcode) => hexcode.toUpperCase().replace(/-?FE0[EF]/g, '');

/** The emoji that a drawing is of, from its code points. */
export const emojiOf = ({ id }) =>
  String.fromCodePoint(...id.split('-').map((hex) => Number.parseInt(hex, 16)));

/**
 * Returns all drawings that have an entry, ordered by code points.
 *
 * Left out: entries without a group (regional indicators), the group `component` (hair, bare skin
 * tones), and drawings with two skin tones.
 *
 * @param {{ skinTones?: boolean, flags?: boolean }} options skinTones adds the variants with one
 * skin tone (default false);
 *   flags keeps the flags of countries and regions (default true).
 * @returns {{ drawings: Drawing[], unmatched: string[] }}
 *   Drawing: { id, path, concept, label, tags, shortcodes, group, tone }, where `concept` is the id
 *   of the drawing without skin tone, `tone` is 0 (none) or 1 (light) … 5 (dark). unmatched: file
 *   names without an entry.
 */
export function listDrawings({ skinTones = false, flags = true } = {}) {
  const { groups, subgroups } = readJson(join(emojibase, 'meta', 'groups.json'));
  const shortcodes = new Map();
  for (const set of shortcodeSets) {
    for (const [hexcode, names] of Object.entries(
      readJson(join(emojibase, 'en', 'shortcodes', `${set}.json`)),
    )) {
      shortcodes.set(hexcode, [...(shortcodes.get(hexcode) ?? []), ...[names].flat()]);
    }
  }

  const entries = new Map();
  for (const entry of readJson(join(emojibase, 'en', 'data.json'))) {
    const group = groups[entry.group];
    if (group === undefined || group === 'component') continue;
    if (!flags && ['country-flag', 'subdivision-flag'].includes(subgroups[entry.subgroup])) continue;
    const base = {
      concept: joinKey(entry.hexcode).toLowerCase(),
      label: entry.label,
      tags: entry.tags ?? [],
      shortcodes: [...new Set(shortcodes.get(entry.hexcode) ?? [])],
      group,
      tone: 0,
    };
    entries.set(joinKey(entry.hexcode), base);
    for (const skin of skinTones ? (entry.skins ?? []) : []) {
      const tones = [skin.tone].flat();
      if (tones.length === 1) entries.set(joinKey(skin.hexcode), { ...base, tone: tones[0] });
    }
  }

  const drawings = new Map();
  const unmatched = [];
  for (const file of readdirSync(assets).sort()) {
    const key = joinKey(file.replace(/\.webp$/, ''));
    const entry = entries.get(key);
    if (entry === undefined) unmatched.push(file);
    else if (!drawings.has(key))
      drawings.set(key, { id: key.toLowerCase(), path: join(assets, file), ...entry });
  }
  return { drawings: [...drawings.values()], unmatched };
}
