/**
 * A strict JSON parser that keeps what JSON.parse loses: repeated keys and their order, the
 * difference between 1, 1.0 and -0, integers beyond 2^53, and lone surrogates. It accepts and
 * refuses what Rust's serde_json does, since that parser defines whether a header is valid.
 */

/** An object as written: its keys in order, repeated ones included. */
export class JsonObject {
  readonly entries: readonly (readonly [key: string, value: JsonValue])[];
  constructor(entries: readonly (readonly [string, JsonValue])[]) {
    this.entries = entries;
  }
}

/**
 * A value. An integer in [-2^63, 2^64) without fraction or exponent is a bigint. Every other number
 * is a number; so is -0, which serde_json reads as a float.
 */
export type JsonValue = null | boolean | bigint | number | string | JsonObject | readonly JsonValue[];

/** Text that is not JSON, with the place in UTF-16 units from the start. */
export class JsonSyntaxError extends Error {
  readonly position: number;
  constructor(problem: string, position: number) {
    super(`${problem} at character ${position}`);
    this.name = 'JsonSyntaxError';
    this.position = position;
  }
}

/**
 * serde_json refuses the 128th open bracket, so that nesting cannot exhaust the stack. This parser
 * does the same.
 */
const MAX_DEPTH = 127;

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const PLAIN_INTEGER = /^-?[0-9]+$/;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * The value that the text holds, with nothing but white space around it. Throws JsonSyntaxError.
 */
export function parseJson(text: string): JsonValue {
  let at = 0;

  const fail = (problem: string): never => {
    throw new JsonSyntaxError(at >= text.length ? `${problem}: the text ends` : problem, at);
  };
  const skipSpace = (): void => {
    for (;;) {
      const c = text.charCodeAt(at);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
      at++;
    }
  };
  const literal = <T extends JsonValue>(word: string, value: T): T => {
    if (!text.startsWith(word, at)) fail('not a JSON value');
    at += word.length;
    return value;
  };
  const number = (): bigint | number => {
    NUMBER.lastIndex = at;
    const match = NUMBER.exec(text);
    if (match === null) return fail('not a number');
    const written = match[0];
    const next = text.charAt(at + written.length);
    if (next !== '' && '0123456789.eE+-'.includes(next)) return fail('not a number');
    const value = Number(written);
    if (!Number.isFinite(value)) return fail('a number out of range');
    at += written.length;
    if (!PLAIN_INTEGER.test(written) || written === '-0') return value;
    if (Number.isSafeInteger(value)) return BigInt(value);
    const integer = BigInt(written);
    return integer >= -(2n ** 63n) && integer < 2n ** 64n ? integer : value;
  };
  const hex4 = (): number => {
    const digits = text.slice(at, at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) fail('an escape without four hexadecimal digits');
    at += 4;
    return Number.parseInt(digits, 16);
  };
  const escapeSequence = (): string => {
    const c = text.charAt(at);
    const simple = ESCAPES.get(c);
    if (simple !== undefined) {
      at++;
      return simple;
    }
    if (c !== 'u') return fail('an unknown escape');
    at++;
    const unit = hex4();
    if (unit < 0xd800 || unit > 0xdfff) return String.fromCharCode(unit);
    if (unit > 0xdbff || !text.startsWith('\\u', at)) return fail('half a surrogate pair');
    at += 2;
    const low = hex4();
    if (low < 0xdc00 || low > 0xdfff) return fail('half a surrogate pair');
    return String.fromCharCode(unit, low);
  };
  const string = (): string => {
    let out = '';
    let start = ++at;
    for (;;) {
      const c = text.charCodeAt(at);
      if (c === QUOTE) {
        out += text.slice(start, at++);
        return out;
      }
      if (c === BACKSLASH) {
        out += text.slice(start, at++);
        out += escapeSequence();
        start = at;
      } else if (c >= 0x20) {
        at++;
      } else {
        fail(Number.isNaN(c) ? 'an open string' : 'a control character in a string');
      }
    }
  };
  const array = (depth: number): JsonValue[] => {
    const items: JsonValue[] = [];
    at++;
    skipSpace();
    if (text[at] === ']') {
      at++;
      return items;
    }
    for (;;) {
      items.push(value(depth));
      const c = text[at++];
      if (c === ']') return items;
      if (c !== ',') {
        at--;
        fail('expected "," or "]"');
      }
    }
  };
  const object = (depth: number): JsonObject => {
    const entries: [string, JsonValue][] = [];
    at++;
    skipSpace();
    if (text[at] === '}') {
      at++;
      return new JsonObject(entries);
    }
    for (;;) {
      skipSpace();
      if (text[at] !== '"') fail('expected a key in double quotes');
      const key = string();
      skipSpace();
      if (text[at] !== ':') fail('expected ":"');
      at++;
      entries.push([key, value(depth)]);
      const c = text[at++];
      if (c === '}') return new JsonObject(entries);
      if (c !== ',') {
        at--;
        fail('expected "," or "}"');
      }
    }
  };
  /** Reads a value and the white space on both sides of it. `depth` brackets are open. */
  const value = (depth: number): JsonValue => {
    skipSpace();
    const c = text[at];
    if ((c === '{' || c === '[') && depth >= MAX_DEPTH) fail(`more than ${MAX_DEPTH} nested brackets`);
    const result =
      c === '{'
        ? object(depth + 1)
        : c === '['
          ? array(depth + 1)
          : c === '"'
            ? string()
            : c === 't'
              ? literal('true', true)
              : c === 'f'
                ? literal('false', false)
                : c === 'n'
                  ? literal('null', null)
                  : c === '-' || (c !== undefined && c >= '0' && c <= '9')
                    ? number()
                    : fail('expected a value');
    skipSpace();
    return result;
  };

  const result = value(0);
  if (at < text.length) fail('something after the value');
  return result;
}

/** A value in words for a message. The words are short, and tell 1 from 1.0. */
export function describeJson(value: JsonValue | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (value instanceof JsonObject) return 'an object';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'string') return `the string ${JSON.stringify(value.slice(0, 80))}`;
  if (typeof value === 'number') {
    return `the float ${Object.is(value, -0) ? '-0' : Number.isInteger(value) ? value.toExponential() : value}`;
  }
  return `${value}`;
}
