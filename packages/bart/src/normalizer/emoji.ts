import { EMOJI_NAMES } from './emoji-names.js';

/**
 * A node of the tree of emoji, reached by the characters read so far. `next` holds the nodes of one
 * more character. `name` is there if the characters read are an emoji.
 */
interface Branch {
  readonly next: Map<number, Branch>;
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
const SELECTOR = 0xfe0f;

// biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is meant
const ASCII = /^[\x00-\x7f]*$/;

let tree: Branch | undefined;

/**
 * Writes each emoji as `:its_name:` and drops variation selectors, as `emoji.demojize` of the
 * Python package emoji 1.7.0 does. `mark` stands before and behind the name.
 *
 * The longest beginning of any emoji is read. If these characters are not themselves an emoji, the
 * first of them stays as it is. So a heart before a joiner that joins nothing gets no name.
 */
export function demojize(text: string, mark = ':'): string {
  if (ASCII.test(text)) return text; // no emoji is all ASCII
  tree ??= grow();
  let out = '';
  let kept = 0; // what comes before is in `out`
  let at = 0;
  while (at < text.length) {
    const code = text.codePointAt(at) as number;
    const after = at + (code > 0xffff ? 2 : 1);
    // Only keycaps begin with ASCII, and their second character is not ASCII.
    if (code < 0x80 && (after === text.length || text.charCodeAt(after) < 0x80)) {
      at = after;
      continue;
    }
    let branch: Branch = tree;
    let end = at;
    for (;;) {
      const next = text.codePointAt(end);
      const grown: Branch | undefined = next === undefined ? undefined : branch.next.get(next);
      if (!grown) break;
      branch = grown;
      end += (next as number) > 0xffff ? 2 : 1;
    }
    if (branch.name !== undefined) {
      out += `${text.slice(kept, at)}${mark}${branch.name}${mark}`;
      kept = end;
      at = end;
      continue;
    }
    if (code === SELECTOR || code === 0xfe0e) {
      out += text.slice(kept, at);
      kept = after;
    }
    at = after;
  }
  return out + text.slice(kept);
}

function grow(): Branch {
  const root: Branch = { next: new Map() };
  for (const row of EMOJI_NAMES.split('\n')) {
    const [form, name] = row.split(' ') as [string, string];
    for (const [a, aName] of form.includes('A') ? TONES : NO_TONE) {
      for (const [b, bName] of form.includes('B') ? TONES : NO_TONE) {
        if (b !== '' && b === a) continue; // two equal tones are a row of one
        const tones = [aName, bName].filter((tone) => tone !== '').map((tone) => `_${tone}_skin_tone`);
        const emoji = form.replaceAll('A', a).replaceAll('B', b);
        const codes = Array.from(emoji, (character) => character.codePointAt(0) as number);
        plant(root, codes, name + tones.join(''));
      }
    }
  }
  return root;
}

/** Adds an emoji to the tree, with and without each of its selectors. */
function plant(branch: Branch, rest: readonly number[], name: string): void {
  const [code, ...others] = rest;
  if (code === undefined) {
    branch.name = name;
    return;
  }
  if (code === SELECTOR) plant(branch, others, name);
  let next = branch.next.get(code);
  if (!next) {
    next = { next: new Map() };
    branch.next.set(code, next);
  }
  plant(next, others, name);
}
