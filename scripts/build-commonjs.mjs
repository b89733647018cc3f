// Writes dist/commonjs: the built modules once more, for those who can't load ES modules by `require`
// (jest's default mode, bundlers that write CommonJS, TypeScript's node10 and node16). Each module stays a
// file of its own, so that all entries share their state. Runs after `tsc -b`.
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

const packageDir = process.cwd();
const dist = join(packageDir, 'dist');
const out = join(dist, 'commonjs');
rmSync(out, { recursive: true, force: true });
const files = readdirSync(dist, { recursive: true }).map((name) => join(dist, name));

await build({
  entryPoints: files.filter((name) => name.endsWith('.js')),
  outdir: out,
  outbase: dist,
  format: 'cjs',
  platform: 'node',
  target: 'node20.19',
  define: { 'import.meta.url': 'moduleAddress', 'import.meta.dirname': '__dirname' },
  banner: { js: "const moduleAddress = require('node:url').pathToFileURL(__filename).href;" },
  logLevel: 'warning',
});
for (const name of files.filter((file) => file.endsWith('.d.ts')))
  cpSync(name, join(out, relative(dist, name)));
writeFileSync(join(out, 'package.json'), '{ "type": "commonjs" }\n');
