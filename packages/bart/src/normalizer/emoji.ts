import { EMOJI_NAMES } from './emoji-names.js';

/**
 * Beginnings of emoji that go on with one character more, and the name of what was read if it is an
 * emoji.
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
 * An emoji is read as far as any emoji goes on, and if what was read is not itself one, its first
 * character stays as it is: a heart before a joiner that joins nothing has no name.
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
    // The emoji that begin with ASCII, keycaps, go on with something else.
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

/** Names an emoji with each of its selectors there or not. */
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
