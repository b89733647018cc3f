import { showValue } from '../config/show-value.js';
import { ConfigError } from '../errors.js';
import { parseJsonObject, type TokenizerFiles } from './files.js';
import { type SpecialToken, SpecialTokenCutter, type TextPart } from './special-tokens.js';

/** A token that was added to a vocabulary: it is cut out of texts, and no merge makes it. */
export interface AddedToken extends SpecialToken {
  readonly id: number;
  /** Whether decoding leaves it out where special tokens are. */
  readonly special: boolean;
  /** Whether the model's own vocabulary lacks it, so that no bytes make it. */
  readonly apart: boolean;
}

/**
 * The added tokens of a tokenizer folder, each content once. The first source that has it says how
 * it is cut: `added_tokens_decoder` of tokenizer_config.json, `added_tokens` of tokenizer.json,
 * added_tokens.json, then the lists of further special tokens. A token of `vocab` keeps the id that
 * it has there; one of a list that has no id gets the next.
 *
 * Throws ConfigError, naming file and field, for another form, and for an id that is another
 * token's.
 */
export function parseAddedTokens(files: TokenizerFiles, vocab: ReadonlyMap<string, number>): AddedToken[] {
  const found = new Map<string, AddedToken>();
  const owners = new Map([...vocab].map(([token, id]) => [id, token]));
  const most = 2 * vocab.size + 1024; // room for gaps, but no array of 2^31 from one bad id
  let next = maxOf(owners.keys()) + 1;
  const add = (token: SpecialToken & { special: boolean }, wanted: unknown, where: string): void => {
    const known = found.get(token.content);
    if (known !== undefined) {
      if (token.special) found.set(token.content, { ...known, special: true });
      return;
    }
    const id = vocab.get(token.content) ?? wanted ?? next;
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > most)
      throw new ConfigError(`${where}: expected an id from 0 to ${most}, got ${showValue(id)}.`);
    const owner = owners.get(id);
    if (owner !== undefined && owner !== token.content)
      throw new ConfigError(
        `${where}: id ${id} belongs to both ${showValue(owner)} and ${showValue(token.content)}.`,
      );
    owners.set(id, token.content);
    next = Math.max(next, id + 1);
    found.set(token.content, { ...token, id, apart: !vocab.has(token.content) });
  };

  const config = objectOf(files.tokenizerConfig, 'tokenizer_config.json');
  const decoder = config.added_tokens_decoder ?? {};
  if (!isObject(decoder))
    throw new ConfigError(
      `tokenizer_config.json: expected added_tokens_decoder to be an object, got ${showValue(decoder)}.`,
    );
  for (const [id, value] of Object.entries(decoder)) {
    const where = `tokenizer_config.json, added_tokens_decoder[${showValue(id)}]`;
    add(tokenOf(value, where), Number(id), where);
  }
  const json = objectOf(files.tokenizerJson, 'tokenizer.json').added_tokens ?? [];
  if (!Array.isArray(json))
    throw new ConfigError(`tokenizer.json: expected added_tokens to be a list, got ${showValue(json)}.`);
  for (const [i, value] of json.entries()) {
    const where = `tokenizer.json, added_tokens[${i}]`;
    add(tokenOf(value, where), (value as Record<string, unknown>).id, where);
  }
  for (const [content, id] of Object.entries(objectOf(files.addedTokens, 'added_tokens.json'))) {
    const token = { content, lstrip: false, rstrip: false, normalized: true, special: false };
    if (content !== '') add(token, id, `added_tokens.json, ${showValue(content)}`);
  }
  const map = objectOf(files.specialTokensMap, 'special_tokens_map.json');
  for (const [file, object] of [
    ['special_tokens_map.json', map],
    ['tokenizer_config.json', config],
  ] as const) {
    for (const key of ['additional_special_tokens', 'extra_special_tokens']) {
      const list = object[key] ?? [];
      for (const [i, value] of (Array.isArray(list) ? list : []).entries()) {
        const where = `${file}, ${key}[${i}]`;
        const token =
          typeof value === 'string' && value !== ''
            ? { content: value, lstrip: false, rstrip: false, normalized: false, special: true }
            : { ...tokenOf(value, where), special: true };
        add(token, undefined, where);
      }
    }
  }
  return [...found.values()];
}

/** The largest id; -1 if there is none. */
function maxOf(ids: Iterable<number>): number {
  let most = -1;
  for (const id of ids) most = Math.max(most, id);
  return most;
}

function objectOf(text: string | undefined, file: string): Record<string, unknown> {
  return text === undefined ? {} : parseJsonObject(text, file);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function tokenOf(value: unknown, where: string): SpecialToken & { special: boolean } {
  if (!isObject(value) || typeof value.content !== 'string' || value.content === '')
    throw new ConfigError(`${where}: expected an object with "content", got ${showValue(value)}.`);
  const special = value.special === true;
  return {
    content: value.content,
    lstrip: value.lstrip === true,
    rstrip: value.rstrip === true,
    singleWord: value.single_word === true,
    normalized: typeof value.normalized === 'boolean' ? value.normalized : !special,
    special,
  };
}

/** The vocabulary with the added tokens. */
export function withAddedTokens(
  vocab: ReadonlyMap<string, number>,
  added: readonly AddedToken[],
): ReadonlyMap<string, number> {
  return added.length === 0
    ? vocab
    : new Map([...vocab, ...added.map(({ content, id }) => [content, id] as const)]);
}

/** Added tokens as tokenizer_config.json's `added_tokens_decoder` has them. */
export function addedTokensDecoder(tokens: readonly AddedToken[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    tokens.map((token) => [`${token.id}`, { ...tokenToJson(token), special: token.special }]),
  );
}

/**
 * vocab.json of a vocabulary with its added tokens. One that would be taken for the symbol of a
 * byte is left to `added_tokens_decoder`.
 */
export function vocabToJson(
  vocab: ReadonlyMap<string, number>,
  added: readonly AddedToken[],
  endOfWord = '',
): string {
  const symbols = new Set(
    added.filter(({ apart, content }) => apart && isSymbol(content, endOfWord)).map(({ content }) => content),
  );
  const tokens = [...vocab].filter(([token]) => !symbols.has(token)).sort((a, b) => a[1] - b[1]);
  return `{${tokens.map(([token, id]) => `${JSON.stringify(token)}:${id}`).join(',')}}`;
}

function isSymbol(content: string, endOfWord: string): boolean {
  return content.length === 1 || (content.length === 1 + endOfWord.length && content.endsWith(endOfWord));
}

/** A token as the files of transformers have it. */
export function tokenToJson(token: SpecialToken): Readonly<Record<string, unknown>> {
  const { content, lstrip, rstrip, singleWord = false, normalized = true } = token;
  return { content, lstrip, normalized, rstrip, single_word: singleWord };
}

/**
 * Cuts added tokens out of texts as `tokenizers` does: those that are not normalized out of the
 * text as it is, then the others, normalized themselves, out of each stretch between, which is
 * normalized. Source: huggingface/tokenizers `tokenizer/added_vocabulary.rs`.
 */
export class AddedTokenCutter {
  private readonly plain: SpecialTokenCutter;
  private readonly normalized: SpecialTokenCutter;
  private readonly normalize: (text: string) => string;

  /**
   * `roles`: the special tokens that the model needs. Of tokens with one content the first counts:
   * special ones before others. `ids`: the vocabulary with the added tokens; tokens that it lacks
   * are left as text. Of tokens that are
   * the same when normalized the first counts; with `tokenizers` chance decides.
   */
  constructor(
    added: readonly AddedToken[],
    roles: readonly SpecialToken[],
    ids: ReadonlyMap<string, number>,
    normalize: (text: string) => string,
  ) {
    this.normalize = normalize;
    const tokens: readonly SpecialToken[] = [
      ...added.filter(({ special }) => special),
      ...roles,
      ...added.filter(({ special }) => !special),
    ];
    const firsts = new Map<string, SpecialToken>();
    for (const token of tokens)
      if (ids.has(token.content) && !firsts.has(token.content)) firsts.set(token.content, token);
    const known = [...firsts.values()];
    this.plain = new SpecialTokenCutter(
      known.filter(({ normalized = true }) => !normalized),
      ids,
    );
    const others = new Map<string, { readonly token: SpecialToken; readonly id: number }>();
    for (const token of known.filter(({ normalized = true }) => normalized)) {
      const content = normalize(token.content);
      if (content !== '' && !others.has(content))
        others.set(content, { token: { ...token, content }, id: ids.get(token.content) as number });
    }
    this.normalized = new SpecialTokenCutter(
      [...others.values()].map(({ token }) => token),
      new Map([...others].map(([content, { id }]) => [content, id])),
    );
  }

  /** Ids of added tokens, and normalized stretches between them. */
  cut(text: string): TextPart[] {
    return this.plain
      .cut(text)
      .flatMap((part) => (typeof part === 'number' ? [part] : this.normalized.cut(this.normalize(part))));
  }
}
