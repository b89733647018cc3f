import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '@easel/core';
import type { Field, Fields } from '@easel/core/config';
import { freeSettings } from '../src/config/free-settings.js';
import { SEQ2SEQ_FIELDS } from '../src/config/seq2seq-config.js';
import { VQGAN_FIELDS } from '../src/config/vqgan-config.js';

const CONFIG = join(import.meta.dirname, '../src/config');
const SOURCES = ['seq2seq-config', 'vqgan-config', 'optimization', 'picture-fields'];

/** A setting of a block of fields in the sources: its comment, and what stands behind its name. */
interface Described {
  readonly comment: string;
  readonly expression: string;
}

/** The text between the brace at `open` and the one that closes it. */
function braced(text: string, open: number): string {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '{') depth++;
    if (text[at] === '}' && --depth === 0) return text.slice(open + 1, at);
  }
  throw new Error('settings-reference: a brace is not closed');
}

/** Every `const NAME = { … }` of the config sources, by name. */
function blocksOf(source: string): Map<string, string> {
  const found = [...source.matchAll(/^(?:export )?const (\w+) = \{/gm)];
  return new Map(
    found.map((match) => [match[1] as string, braced(source, match.index + match[0].length - 1)]),
  );
}

/** The entries of a block, those of blocks that it spreads included. */
function entriesOf(block: string, blocks: ReadonlyMap<string, string>): Map<string, Described> {
  const entries = new Map<string, Described>();
  const pattern = /\s*(?:\/\*\*([\s\S]*?)\*\/\s*)?(?:\/\/[^\n]*\n\s*)*(?:\.\.\.(\w+),|(\w+): )/y;
  for (let at = 0; ; ) {
    pattern.lastIndex = at;
    const match = pattern.exec(block);
    if (match === null) return entries;
    at = pattern.lastIndex;
    const [, comment = '', spread, name] = match;
    if (spread !== undefined) {
      for (const [inner, described] of entriesOf(blocks.get(spread) ?? '', blocks))
        entries.set(inner, described);
      continue;
    }
    let depth = 0;
    let end = at;
    for (; end < block.length && !(depth === 0 && block[end] === ','); end++)
      depth += '({['.includes(block[end] as string) ? 1 : ')}]'.includes(block[end] as string) ? -1 : 0;
    const words = comment.replace(/\s*\n\s*\*\s?/g, ' ').trim();
    entries.set(name as string, { comment: words, expression: block.slice(at, end) });
    at = end + 1;
    const trailing = /\s*\/\/[^\n]*\n/y;
    trailing.lastIndex = at;
    if (/^[^\n]*\/\//.test(block.slice(at)) && trailing.exec(block) !== null) at = trailing.lastIndex;
  }
}

/** What a field takes, in the words of its own refusal. */
function kindOf(field: Field<unknown>): string {
  try {
    field(() => {}, 'x');
  } catch (error) {
    if (error instanceof ConfigError) return /expected (.*?), (?:got|it is)/.exec(error.message)?.[1] ?? '';
  }
  return 'any value';
}

function defaultOf(field: Field<unknown>): string {
  try {
    return `\`${JSON.stringify(field(undefined, 'x'))}\``;
  } catch {
    return 'needed';
  }
}

function rows(
  fields: Fields,
  block: string,
  blocks: ReadonlyMap<string, string>,
  free: readonly string[],
  path = '',
): string[] {
  const described = entriesOf(block, blocks);
  return Object.entries(fields).flatMap(([name, field]) => {
    const at = `${path}${name}`;
    const { comment, expression } = described.get(name) ?? { comment: '', expression: '' };
    const canChange = free.some((one) => at === one || at.startsWith(`${one}.`));
    const cell = (text: string) => text.replaceAll('|', '\\|');
    if (field.fields !== undefined) {
      const inner = /section\((\w+)\)/.exec(expression)?.[1];
      const own =
        inner === undefined ? braced(expression, expression.indexOf('{')) : (blocks.get(inner) ?? '');
      const absent = defaultOf(field) === '`null`' ? 'null, or an object' : 'object';
      const head =
        comment === '' ? [] : [`| \`${at}\` | ${absent} |  | ${canChange ? 'yes' : ''} | ${cell(comment)} |`];
      return [...head, ...rows(field.fields, own, blocks, free, `${at}.`)];
    }
    return [
      `| \`${at}\` | ${cell(kindOf(field))} | ${cell(defaultOf(field))} | ${canChange ? 'yes' : ''} | ${cell(comment)} |`,
    ];
  });
}

/** docs/settings.md: every setting of both trainings, from the schemas and the comments beside their fields. */
export function settingsReference(): string {
  const sources = new Map(SOURCES.map((name) => [name, readFileSync(join(CONFIG, `${name}.ts`), 'utf8')]));
  const shared = [...sources].flatMap(([name, text]) => (/-config$/.test(name) ? [] : [...blocksOf(text)]));
  const table = (title: string, fields: Fields, file: string, name: string): string => {
    const blocks = new Map([...shared, ...blocksOf(sources.get(file) as string)]);
    const lines = rows(fields, blocks.get(name) as string, blocks, freeSettings(fields));
    const head = [
      '| setting | takes | default | free on resume | meaning |',
      '| --- | --- | --- | --- | --- |',
    ];
    return [`## ${title}`, '', ...head, ...lines].join('\n');
  };
  return [
    '# Settings of the trainings',
    '',
    'Made from the schemas in `packages/train/src/config` by `npm run settings-reference`; a test holds the two together.',
    'A setting is given in the config file, as `{"data": {"train": "photos"}}`, or on the command line, as',
    '`--set data.train=photos`. A resumed run may change those that are free, and otherwise only `steps` where the schedule',
    'does not depend on it.',
    '',
    table('easel train', SEQ2SEQ_FIELDS, 'seq2seq-config', 'SEQ2SEQ_FIELDS'),
    '',
    table('easel train-vqgan', VQGAN_FIELDS, 'vqgan-config', 'VQGAN_FIELDS'),
    '',
  ].join('\n');
}
