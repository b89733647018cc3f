// Packs every package that is published and looks at the tarballs: `npm run check-packages`, after
// a build.
//
// publint and attw ("are the types wrong") judge what an importer finds. The rules of this house
// are below, one function each. Prints what is wrong, a line a fault, and ends with 1 if there is
// one.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { parseSync } from '@swc/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { models, npmPack, programs, readJson, root, rootManifest } from './packages.mjs';
import { nameFaults } from './public-names.mjs';

const license = readFileSync(join(root, 'LICENSE'), 'utf8');
/** The notices of the works from which models were trained, and the licence that they name. */
const modelLicense = `${readFileSync(join(root, 'data', 'emoji', 'LICENSES.md'), 'utf8')}
## The Apache License 2.0

${license}`;

/** Licences that a package may have in place of the root's, and how their texts begin. */
const OTHER_LICENSES = {
  'GPL-2.0-or-later': /^\s*GNU GENERAL PUBLIC LICENSE\s+Version 2,/,
  // The built page carries unidecode-ts; its licences.txt has that package's text.
  'Apache-2.0 AND GPL-2.0-or-later': /^\s*Apache License\s+Version 2\.0,/,
};

async function publintFaults({ manifest, tarball }) {
  const { buffer, byteOffset, byteLength } = readFileSync(tarball);
  const packed = { tarball: buffer.slice(byteOffset, byteOffset + byteLength) };
  const { messages } = await publint({ strict: true, pack: packed });
  return messages.map((message) => `publint: ${formatMessage(message, manifest)}`);
}

/**
 * The packages are ES modules for Node ≥ 20.19, so what CommonJS and Node 10 resolve is asked only of
 * those that have a build for it.
 */
async function typesFaults({ manifest, tarball }) {
  const kinds = ['node16-esm', 'bundler', ...(manifest.main === undefined ? [] : ['node16-cjs', 'node10'])];
  const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))));
  if (!analysis.types) return ['attw: no types'];
  return analysis.problems
    .filter(({ resolutionKind = 'node16-esm' }) => kinds.includes(resolutionKind))
    .filter(({ kind }) => kind !== 'CJSResolvesToESM' || manifest.main !== undefined)
    .map(({ kind, ...where }) => `attw: ${kind} ${JSON.stringify(where)}`);
}

/** Fields that every package has, and those of programs. */
const FIELDS = ['description', 'keywords', 'license', 'files', 'sideEffects'];
const PROGRAM_FIELDS = ['engines', 'exports'];

/** What holds for programs and models alike. */
function manifestFaults({ manifest }) {
  const faults = [];
  for (const field of FIELDS)
    if (manifest[field] === undefined) faults.push(`package.json has no "${field}"`);
  if (manifest.publishConfig?.access !== 'public') faults.push('publishConfig.access is not "public"');
  if (manifest.repository !== undefined)
    faults.push('"repository" stands in the package.json of the root alone, and packing adds it');
  return faults;
}

function programFaults({ folder, manifest }) {
  const faults = [];
  for (const field of PROGRAM_FIELDS)
    if (manifest[field] === undefined) faults.push(`package.json has no "${field}"`);
  if (!manifest.scripts?.prepack?.startsWith('tsc -b'))
    faults.push('prepack does not build: expected "tsc -b"');
  for (const name of Object.keys(manifest.scripts ?? {}))
    if (/^(pre|post)(build|install|test|version)$/.test(name))
      faults.push(`the script "${name}" has the name of an npm hook`);
  if (manifest.peerDependencies?.['@tensorflow/tfjs'] !== undefined)
    if (manifest.peerDependencies['@tensorflow/tfjs'] !== '~4.22.0')
      faults.push('the peer @tensorflow/tfjs is not "~4.22.0"');
  const own = new Set([...programs, ...models].map(({ manifest: { name } }) => name));
  for (const [name, range] of Object.entries(manifest.dependencies ?? {}))
    if (!own.has(name) && !/^[\^~]/.test(range)) faults.push(`${name} "${range}": expected a caret range`);
  const path = join(folder, 'LICENSE');
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (manifest.license === rootManifest.license && text !== license)
    faults.push('LICENSE is not that of the root');
  if (manifest.license !== rootManifest.license && !OTHER_LICENSES[manifest.license]?.test(text))
    faults.push(`LICENSE is not ${manifest.license}`);
  return faults;
}

/** A model's package holds what its manifest.json lists, its licences, and no program. */
function modelFaults({ folder, manifest, files }) {
  const faults = [];
  if (manifest.scripts !== undefined || manifest.dependencies !== undefined)
    faults.push('a model has neither scripts nor dependencies');
  const listed = [...Object.keys(readJson(join(folder, 'manifest.json')).files), 'manifest.json'];
  for (const name of [...listed, 'generation.json', 'README.md', 'LICENSE'])
    if (!files.includes(name)) faults.push(`${name} is not packed`);
  const path = join(folder, 'LICENSE');
  if (!existsSync(path) || readFileSync(path, 'utf8') !== modelLicense)
    faults.push("LICENSE is not data/emoji/LICENSES.md and the root's licence");
  return faults;
}

/**
 * A tarball holds what runs, and nothing of a build, of tests, or of sources that are not there any
 * more.
 */
function contentFaults({ folder, files }) {
  const faults = [];
  for (const wanted of ['README.md', 'LICENSE'])
    if (!files.includes(wanted)) faults.push(`${wanted} is not packed`);
  for (const path of files) {
    if (/\.tsbuildinfo$|\.d\.ts\.map$|(^|\/)testing\/|\.test\./.test(path)) faults.push(`${path} is packed`);
    if (/^dist\/.*\.js\.map$/.test(path)) {
      const { sources, sourcesContent = [] } = readJson(join(folder, path));
      if (sourcesContent.length !== sources.length)
        faults.push(`${path} maps to sources that are not packed`);
    }
    const source = join(folder, path.replace(/^dist\/(?:commonjs\/)?(.*)\.js$/, 'src/$1.ts'));
    if (/^dist\/.*\.js$/.test(path) && !existsSync(source))
      faults.push(`${path} has no source: remove dist and build again`);
  }
  return faults;
}

/**
 * Modules that do something when they are imported are in `sideEffects`, and all that are imported
 * are dependencies.
 */
function moduleFaults({ folder, manifest, files }) {
  const { dependencies, peerDependencies, optionalDependencies, sideEffects } = manifest;
  const known = new Set([
    manifest.name,
    ...Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies }),
  ]);
  const listed = (path) =>
    [`./${path}`, `./${dirname(path)}/*.js`].some((name) => sideEffects?.includes?.(name));
  const faults = [];
  for (const path of files.filter((file) => /^(dist|bin)\/.*\.js$/.test(file))) {
    const text = readFileSync(join(folder, path), 'utf8');
    const { body } = parseSync(text, { syntax: 'ecmascript', target: 'es2022' });
    const acts = body.some(({ type }) => ACTING.has(type));
    if (acts && path.startsWith('dist/') && !path.startsWith('dist/commonjs/') && !listed(path))
      faults.push(`${path} acts when it is imported: add it to "sideEffects"`);
    const named = body.flatMap(({ source }) => source?.value ?? []);
    const dynamic = [...text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)].map((match) => match[1]);
    for (const specifier of [...named, ...dynamic]) {
      const name = specifier.match(/^(@[^/]+\/)?[^/]+/)?.[0] ?? '';
      if (/^(\.|node:)/.test(specifier) || builtinModules.includes(name)) continue;
      if (!known.has(name)) faults.push(`${path} imports ${name}, which is no dependency`);
    }
  }
  return faults;
}

/**
 * Statements at the top of a module that change more than it. Loops are none: here they fill a
 * module's own tables.
 */
const ACTING = new Set(['ExpressionStatement', 'IfStatement', 'TryStatement']);

const destination = mkdtempSync(join(tmpdir(), 'easel-packages-'));
let count = 0;
function report(name, faults) {
  for (const fault of faults) console.error(name === undefined ? fault : `${name}: ${fault}`);
  count += faults.length;
}
try {
  // No script runs: the build is what is looked at.
  const all = [...programs, ...models];
  const packed = npmPack(
    all.map(({ folder }) => folder),
    destination,
  );
  const rulesOf = (rules, one) => rules.flatMap((rule) => rule(one));
  for (const { folder, manifest } of programs) {
    const one = { folder, manifest, ...packed.get(manifest.name) };
    report(manifest.name, [
      ...(await publintFaults(one)),
      ...(await typesFaults(one)),
      ...rulesOf([manifestFaults, programFaults, contentFaults, moduleFaults], one),
    ]);
  }
  for (const { folder, manifest } of models)
    report(
      manifest.name,
      rulesOf([manifestFaults, modelFaults], { folder, manifest, ...packed.get(manifest.name) }),
    );
  report(undefined, nameFaults(programs));
} finally {
  rmSync(destination, { recursive: true });
}
console.log(`${programs.length + models.length} packages packed, ${count} faults`);
process.exitCode = count > 0 ? 1 : 0;
