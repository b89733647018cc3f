import { ConfigError } from '@easel/core';
import { type Field, flag, integer, mismatch, optional, real, section, snakeCase } from '@easel/core/config';
import type { GenerationSettings } from '@easel/draw';
import { ApiError } from './api-error.js';
import type { ServerLimits } from './server-options.js';

/** Most partial images of a picture, as in OpenAI's API. */
const MOST_PARTIAL_IMAGES = 3;

/** Largest seed: what fits into 32 bits. */
export const LARGEST_SEED = 2 ** 32 - 1;

/** What is to be drawn, as both APIs say it. */
export interface DrawingBody {
  readonly prompt: string;
  readonly n: number;
  /** null: the server chooses. */
  readonly seed: number | null;
  readonly settings: Partial<GenerationSettings>;
}

/** A request to OpenAI's images API. */
export interface ImagesBody extends DrawingBody {
  readonly model: string | null;
  readonly responseFormat: 'b64_json' | 'url';
  readonly stream: boolean;
  readonly partialImages: number;
}

/** A request to /api/draw. */
export interface DrawBody extends DrawingBody {
  readonly preview: boolean;
}

/** One of some words; null and absence stand for the first. */
function word<const W extends string>(words: readonly [W, ...W[]], why = ''): Field<W> {
  const expected = words.map((one) => `"${one}"`).join(' or ');
  return (value, at) => {
    const found = words.find((candidate) => candidate === (value ?? words[0]));
    if (found === undefined) throw mismatch(at, expected, value, why);
    return found;
  };
}

const maybeText: Field<string | null> = optional((value, at) => {
  if (typeof value !== 'string') throw mismatch(at, 'a text', value);
  return value;
});

/** A prompt that can be drawn: some text, not too long, without control characters. */
function promptField(most: number): Field<string> {
  return (value, at) => {
    if (typeof value !== 'string') throw mismatch(at, 'a text that says what to draw', value);
    if (value.trim() === '')
      throw new ConfigError(`${at}: it is empty. Say what to draw, e.g. "a red heart".`);
    const length = [...value].length;
    if (length > most) {
      throw new ConfigError(
        `${at}: expected at most ${most} characters, got ${length}. Say it in fewer words.`,
      );
    }
    const [odd] = value.match(/(?![\t\n\r])[\p{Cc}\p{Cs}]/u) ?? [];
    if (odd !== undefined) {
      const code = odd.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0');
      const kind = /\p{Cs}/u.test(odd) ? 'half of a surrogate pair' : 'a control character';
      throw new ConfigError(`${at}: it contains U+${code}, ${kind}. Leave it out.`);
    }
    return value;
  };
}

/** The fields that both APIs have. */
function drawingFields({ promptLength, images }: ServerLimits) {
  return {
    prompt: promptField(promptLength),
    n: orDefault(integer({ min: 1, max: images }), 1),
    seed: optional(integer({ min: 0, max: LARGEST_SEED })),
    topK: optional(integer({ min: 0 })),
    topP: optional(real({ min: 0, max: 1 })),
    temperature: optional(real({ above: 0, max: 100 })),
    conditionScale: optional(real({ min: 0, max: 100 })),
  };
}

/** A field for which null stands for the default, as in OpenAI's API. */
function orDefault<T>(field: Field<T>, byDefault: T): Field<T> {
  return (value, at) => (value === null || value === undefined ? byDefault : field(value, at));
}

/** Fields of OpenAI's API that say nothing to a model of this kind. */
const IGNORED = new Set([
  'user',
  'safety_identifier',
  'quality',
  'style',
  'background',
  'moderation',
  'output_compression',
]);

/** Returns the reader of requests to OpenAI's images API. size: sides of the model's pictures. */
export function imagesReader(
  limits: ServerLimits,
  size: { readonly width: number; readonly height: number },
): (json: unknown) => ImagesBody {
  const own = `${size.width}x${size.height}`;
  const fields = {
    ...drawingFields(limits),
    model: maybeText,
    size: word(['auto', own], ' This model draws in one size.'),
    responseFormat: word(['b64_json', 'url']),
    outputFormat: word(['png'], ' Pictures are sent as PNG.'),
    stream: orDefault(flag(false), false),
    partialImages: orDefault(integer({ min: 0, max: MOST_PARTIAL_IMAGES }), 0),
  };
  const read = section(fields, { nameOf: snakeCase, ignored: IGNORED });
  return (json) => {
    const { topK, topP, temperature, conditionScale, ...rest } = reading(read, json);
    if (rest.stream && rest.responseFormat === 'url') {
      throw new ApiError(
        400,
        'response_format: expected "b64_json" with stream, got "url". Streamed pictures carry their bytes.',
        {
          param: 'response_format',
        },
      );
    }
    return { ...rest, settings: given({ topK, topP, temperature, conditionScale }) };
  };
}

/** Returns the reader of requests to /api/draw. */
export function drawReader(limits: ServerLimits): (json: unknown) => DrawBody {
  const read = section(
    { ...drawingFields(limits), preview: orDefault(flag(true), true) },
    { nameOf: snakeCase },
  );
  return (json) => {
    const { topK, topP, temperature, conditionScale, ...rest } = reading(read, json);
    return { ...rest, settings: given({ topK, topP, temperature, conditionScale }) };
  };
}

type Given = { readonly [K in keyof GenerationSettings]: GenerationSettings[K] | null };

/** The settings that a request gives. */
function given(settings: Given): Partial<GenerationSettings> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== null));
}

/** Reads a body. Throws ApiError 400 that names the field at fault. */
function reading<T>(read: Field<T>, json: unknown): T {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new ApiError(
      400,
      `Body: expected a JSON object such as {"prompt": "a red heart"}, got ${kindOf(json)}.`,
    );
  }
  try {
    return read(json, '');
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [, param] = /^(\w+)[:[.]/.exec(error.message) ?? [];
    const unknown = error.message.includes('there is no such setting');
    throw new ApiError(400, error.message, { param, code: unknown ? 'unknown_parameter' : 'invalid_value' });
  }
}

function kindOf(json: unknown): string {
  return json === null ? 'null' : Array.isArray(json) ? 'a list' : `a ${typeof json}`;
}

/** Parses a body's text. Throws ApiError 400 for what is no JSON. */
export function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new ApiError(400, `Body: it is not JSON: ${cause.replace(/\s+/g, ' ').slice(0, 200)}.`, {
      code: 'invalid_json',
    });
  }
}
