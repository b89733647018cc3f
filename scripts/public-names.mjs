// What the packages export, read from the types that a build left in dist.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseSync } from '@swc/core';

/** Exports of one .d.ts file: each name with the file and the name that declare it. */
function exportsOf(file, known = new Map()) {
  if (known.has(file)) return known.get(file);
  const names = new Map();
  known.set(file, names);
  const { body } = parseSync(readFileSync(file, 'utf8'), { syntax: 'typescript', dts: true });
  for (const item of body) {
    if (item.type === 'ExportDeclaration')
      for (const { id, identifier } of item.declaration.declarations ?? [item.declaration]) {
        const { value } = identifier ?? id;
        names.set(value, { file, name: value });
      }
    if (item.type === 'ExportNamedDeclaration' && item.source?.value.startsWith('.')) {
      const source = exportsOf(join(dirname(file), item.source.value.replace(/\.js$/, '.d.ts')), known);
      for (const { orig, exported } of item.specifiers)
        names.set((exported ?? orig).value, source.get(orig.value));
    }
  }
  return names;
}

/** Whether a declaration has a doc comment. */
function isDocumented({ file, name }) {
  const declared = `export (declare )?(abstract )?(class|const|function|interface|type) ${name}\\b`;
  return new RegExp(`\\*/\\s*${declared}`).test(readFileSync(file, 'utf8'));
}

/**
 * What is wrong with the names that packages, given as { folder, manifest }, export together: one
 * name for two things, or a public name without a docstring. The node entry of a package may widen
 * what its main entry exports.
 */
export function nameFaults(packages) {
  const owners = new Map();
  const faults = [];
  for (const { folder, manifest } of packages)
    for (const [entry, { types, import: esm }] of Object.entries(manifest.exports)) {
      const declarations = types ?? esm?.types; // package.json is an entry without any
      if (declarations === undefined) continue;
      for (const [name, declared] of exportsOf(join(folder, declarations))) {
        const first = owners.get(name) ?? { package: manifest.name, declared };
        owners.set(name, first);
        const same = first.declared?.file === declared?.file && first.declared?.name === declared?.name;
        if (!same && first.package !== manifest.name)
          faults.push(`${manifest.name}: "${name}" is another thing than in ${first.package}`);
        if (declared !== undefined && !entry.includes('internals') && !isDocumented(declared))
          faults.push(`${manifest.name}: "${name}" has no docstring`);
      }
    }
  return faults;
}
