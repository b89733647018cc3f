import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { transformSync } from '@swc/core';

const require = createRequire(import.meta.url);

type Exports = Record<string, unknown>;
type Wrapper = (module: { exports: Exports }, exports: Exports, require: (id: string) => unknown) => void;

/** The file that `import 'path'` means among modules without extensions. */
function fileOf(path: string): string {
  for (const file of [path, `${path}.js`, join(path, 'index.js')])
    if (file.endsWith('.js') && existsSync(file)) return file;
  throw new Error(`no module at ${path}`);
}

/**
 * Returns a function that loads the ES modules of tfjs-core. These lie in .js files without "type":
 * "module", which Node takes for CommonJS. They are translated, and their exports can be replaced
 * (spied on). `substitutes` stands in for packages by name; the rest comes from node_modules.
 */
export function esModuleLoader(substitutes: ReadonlyMap<string, unknown>): (path: string) => Exports {
  const loaded = new Map<string, Exports>();
  const load = (path: string): Exports => {
    const file = fileOf(path);
    const known = loaded.get(file);
    if (known) return known;
    const module = { exports: {} as Exports };
    loaded.set(file, module.exports);
    const source = readFileSync(file, 'utf8').replace(/\/\/# sourceMappingURL=.*/g, '');
    const { code } = transformSync(source, {
      configFile: false,
      swcrc: false,
      jsc: { target: 'es2022' },
      module: { type: 'commonjs', strictMode: false },
    });
    const replaceable = code.replace(
      'Object.defineProperty(target, name, {',
      'Object.defineProperty(target, name, { configurable: true,',
    );
    // node:vm would not do: its scripts would run outside of the globals of jest's environment.
    const run = new Function(
      'module',
      'exports',
      'require',
      `${replaceable}\n//# sourceURL=${file}`,
    ) as Wrapper;
    run(module, module.exports, (id) => {
      if (id.startsWith('.')) return load(join(dirname(file), id));
      return substitutes.has(id) ? substitutes.get(id) : require(id);
    });
    loaded.set(file, module.exports);
    return module.exports;
  };
  return load;
}
