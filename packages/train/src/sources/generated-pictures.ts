import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError, DataError } from '@easel/core';
import { type CaptionedPicture, PictureError, type PictureSource, type ReadRange } from './picture-source.js';

/** A picture that a generator makes when its bytes are asked for. */
export interface GeneratedPicture {
  /** Its name in reports and encoded sets: relative, '/' between folders. */
  readonly file: string;
  readonly captions: readonly string[];
  /** Returns the content of a picture file, such as a PNG. */
  bytes(): Promise<Uint8Array>;
}

/** A generator that is open. */
export interface PictureGenerator {
  /** Number of pictures. */
  readonly length: number;
  /** Changes whenever a picture or caption does. */
  readonly digest: string;
  /** Returns picture `n`, 0 ≤ n < length: the same each time, whatever else was asked for. */
  picture(n: number): GeneratedPicture;
}

/** A setting of a generator. Its default says its type. */
export interface GeneratorOption {
  readonly default: number | string;
  /** What it does, for messages. */
  readonly about: string;
}

/** What a module exports that makes pictures. */
export interface GeneratorModule {
  readonly options: Readonly<Record<string, GeneratorOption>>;
  /** Throws an Error that names the setting if a value can't be. */
  open(settings: Readonly<Record<string, number | string>>): PictureGenerator | Promise<PictureGenerator>;
}

/** The path of a module, and its settings behind a question mark. */
const MODULE = /^(.+\.m?js)(?:\?(.*))?$/s;

/** Whether a source's path names a module that makes pictures. */
export function isGenerator(path: string): boolean {
  return MODULE.test(path);
}

/**
 * Opens a module that makes pictures as a source: `scenes.mjs?seed=1&count=1000`. The module is
 * imported, so that its code runs. Pictures are made when they are read, from any number on. Throws
 * DataError for a module that can't be imported or is none of pictures; ConfigError for settings
 * that it doesn't have or that can't be.
 */
export async function openGenerator(path: string): Promise<PictureSource> {
  const [, file, query = ''] = MODULE.exec(path) as unknown as [string, string, string | undefined];
  const where = `Pictures ${path}`;
  const module = await imported(file, where);
  const settings = settingsOf(module, query, where);
  let generator: PictureGenerator;
  try {
    generator = await module.open(settings);
  } catch (error) {
    throw new ConfigError(`${where}: ${(error as Error).message}`, { cause: error });
  }
  return {
    description: path,
    length: generator.length,
    digest: generator.digest,
    leftOut: [],
    read: (range) => generated(generator, path, range),
    async close() {},
  };
}

async function imported(file: string, where: string): Promise<GeneratorModule> {
  let module: Partial<GeneratorModule>;
  try {
    module = await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    throw new DataError(`${where}: the module can't be imported: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (typeof module.open !== 'function' || typeof module.options !== 'object')
    throw new DataError(
      `${where}: expected a module that exports \`open\` and \`options\`, found ${Object.keys(module).join(', ') || 'no exports'}. See "Pictures from a program" in the README of @easel/train.`,
    );
  return module as GeneratorModule;
}

function settingsOf(
  { options }: GeneratorModule,
  query: string,
  where: string,
): Record<string, number | string> {
  const settings = Object.fromEntries(
    Object.entries(options).map(([name, option]) => [name, option.default]),
  );
  for (const [name, text] of new URLSearchParams(query)) {
    const option = Object.hasOwn(options, name) ? options[name] : undefined;
    if (option === undefined) {
      const known = Object.entries(options).map(([key, { about }]) => `${key} (${about})`);
      throw new ConfigError(`${where}: no setting "${name}". There are: ${known.join('; ')}.`);
    }
    const value = typeof option.default === 'number' ? Number(text) : text;
    if (text === '' || (typeof value === 'number' && !Number.isFinite(value)))
      throw new ConfigError(`${where}: ${name}: expected a ${typeof option.default}, got "${text}".`);
    settings[name] = value;
  }
  return settings;
}

async function* generated(
  generator: PictureGenerator,
  path: string,
  { from = 0, to = generator.length, captions = true }: ReadRange = {},
): AsyncGenerator<CaptionedPicture> {
  for (let n = from; n < Math.min(to, generator.length); n++) {
    const picture = generator.picture(n);
    const place = `${path}, picture ${n}`;
    yield {
      file: picture.file,
      path: place,
      captions: captions ? picture.captions : [],
      async bytes() {
        try {
          return await picture.bytes();
        } catch (error) {
          throw new PictureError('unreadable', `${place}: ${(error as Error).message}`, { cause: error });
        }
      },
    };
  }
}
