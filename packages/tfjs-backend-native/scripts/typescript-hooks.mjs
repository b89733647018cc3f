// Lets plain Node run src/*.ts, which import each other as .js, without a build: `node --import
// ./scripts/typescript-hooks.mjs file.ts`. It serves tests that need a process or a worker of their
// own. Types are not checked.
import { existsSync, readFileSync } from 'node:fs';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';

const TYPESCRIPT = { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } };

/** A module hook: './x.js' is './x.ts' where that exists. */
export function resolve(specifier, context, next) {
  if (/^\.{1,2}\/.*\.js$/.test(specifier) && context.parentURL?.endsWith('.ts')) {
    const source = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
    if (existsSync(source)) return { url: source.href, format: 'module', shortCircuit: true };
  }
  return next(specifier, context);
}

/** A module hook: removes the types of .ts files. */
export function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const { code } = transformSync(readFileSync(fileURLToPath(url), 'utf8'), {
    configFile: false,
    swcrc: false,
    sourceMaps: 'inline',
    filename: fileURLToPath(url),
    ...TYPESCRIPT,
  });
  return { format: 'module', source: code, shortCircuit: true };
}

// The hooks' own thread loads this file again, under another name.
if (!import.meta.url.endsWith('?hooks')) register(`${import.meta.url}?hooks`);
