import { EMOJI_NAMES } from './emoji-names.js';

/** Beginnings of emoji that go on with one character more, and the name of what was read if it is an emoji. */
interface Branch {
  readonly next: Map<string, Branch>;
  name?: string;
}

const TONES: readonly (readonly [tone: string, name: string])[] = [
  ['🏻', 'light'],
  ['🏼', 'medium-light'],
  ['🏽', 'medium'],
  ['🏾', 'medium-dark'],
  ['🏿', 'dark'],
];
const NO_TONE = [['', '']] as const;
const SELECTOR = '\ufe0f';

// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is meant
const ASCII = /^[\x00-\x7f]*$/;

let tree: Branch | undefined;

/**
 * Writes each emoji as `:its_name:` and drops variation selectors, as `emoji.demojize` of the Python package emoji
 * 1.7.0 does. `mark` stands before and behind the name.
 *
 * An emoji is read as far as any emoji goes on, and if what was read is not itself one, its first character stays as it
 * is: a heart before a joiner that joins nothing has no name.
 */
export function demojize(text: string, mark = ':'): string {
  if (ASCII.test(text)) return text; // no emoji is all ASCII
  tree ??= grow();
  const characters = [...text];
  let out = '';
  let at = 0;
  while (at < characters.length) {
    const first = characters[at] as string;
    let branch: Branch | undefined = tree;
    let end = at;
    for (let next = branch.next.get(first); next; next = branch.next.get(characters[end] ?? '')) {
      branch = next;
      end++;
    }
    if (branch.name !== undefined) {
      out += `${mark}${branch.name}${mark}`;
      at = end;
    } else {
      if (first !== SELECTOR && first !== '\ufe0e') out += first;
      at++;
    }
  }
  return out;
}

function grow(): Branch {
  const root: Branch = { next: new Map() };
  for (const row of EMOJI_NAMES.split('\n')) {
    const [form, name] = row.split(' ') as [string, string];
    for (const [a, aName] of form.includes('A') ? TONES : NO_TONE) {
      for (const [b, bName] of form.includes('B') ? TONES : NO_TONE) {
        if (b !== '' && b === a) continue; // two equal tones are a row of one
        const tones = [aName, bName].filter((tone) => tone !== '').map((tone) => `_${tone}_skin_tone`);
        plant(root, [...form.replaceAll('A', a).replaceAll('B', b)], name + tones.join(''));
      }
    }
  }
  return root;
}

/** Names an emoji with each of its selectors there or not. */
function plant(branch: Branch, rest: readonly string[], name: string): void {
  const [character, ...others] = rest;
  if (character === undefined) {
    branch.name = name;
    return;
  }
  if (character === SELECTOR) plant(branch, others, name);
  let next = branch.next.get(character);
  if (!next) {
    next = { next: new Map() };
    branch.next.set(character, next);
  }
  plant(next, others, name);
}
