import { isBuiltin } from 'node:module';
import { basename, join } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';

/** The repository's root. */
export const ROOT = join(import.meta.dirname, '../../..');

/** A program as a page loads it. */
export interface Bundle {
  /** Its scripts by name; that of the entry comes first. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Scripts that load with the page; the others come when they are asked for. */
  readonly atOnce: ReadonlySet<string>;
  /**
   * Modules that load with the page, as paths from the root, with the bytes that they have in it.
   */
  readonly modules: ReadonlyMap<string, number>;
}

/**
 * Bundles a program for a browser, minified, in parts: what is imported by `import()` is a file of
 * its own.
 */
export async function bundlePage(entry: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    splitting: true,
    minify: true,
    write: false,
    metafile: true,
    outdir: 'page',
    absWorkingDir: ROOT,
    tsconfigRaw: {}, // not the repository's, whose paths lead to the sources: what is packed is bundled
    logLevel: 'silent',
  });
  const files = new Map(outputFiles.map(({ path, contents }) => [basename(path), contents]));
  const atOnce = loadedAtOnce(metafile);
  const modules = new Map<string, number>();
  for (const [path, { inputs }] of Object.entries(metafile.outputs)) {
    if (!atOnce.has(basename(path))) continue;
    for (const [module, { bytesInOutput }] of Object.entries(inputs)) modules.set(module, bytesInOutput);
  }
  return { files, atOnce, modules };
}

/** Names of the entry's script and of those that it imports by statements. */
function loadedAtOnce({ outputs }: Metafile): Set<string> {
  const loaded = new Set<string>();
  const load = (path: string): void => {
    if (loaded.has(basename(path))) return;
    loaded.add(basename(path));
    for (const { path: imported, kind } of outputs[path]?.imports ?? [])
      if (kind === 'import-statement') load(imported);
  };
  for (const [path, { entryPoint }] of Object.entries(outputs))
    if (entryPoint?.includes('/testing/')) load(path);
  return loaded;
}

/** Modules of Node that an entry reaches outside of tfjs, each as "node:fs from packages/…". */
export async function nodeImportsOf(entry: string): Promise<string[]> {
  const found: string[] = [];
  const listBuiltins: Plugin = {
    name: 'list-builtins',
    setup({ onResolve }) {
      onResolve({ filter: /.*/ }, ({ path, importer }) => {
        if (!isBuiltin(path)) return undefined;
        found.push(`${path} from ${importer.replace(`${ROOT}/`, '')}`);
        return { path, external: true };
      });
    },
  };
  await build({
    stdin: { contents: `export * from '${entry}';`, resolveDir: import.meta.dirname },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    external: ['@tensorflow/*'],
    tsconfigRaw: {},
    absWorkingDir: ROOT,
    logLevel: 'silent',
    plugins: [listBuiltins],
  });
  return found;
}
