// Tests get @tensorflow/tfjs as an ES module that names its exports. jest would read the names out of the text of
// five CommonJS bundles, 6 MB, anew in each test file, which is half of what it takes to load tfjs.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);

/** Writes the module below node_modules, unless it is there, and returns its path. */
export function writeTfjsModule() {
  const bundle = JSON.stringify(require.resolve('@tensorflow/tfjs'));
  const head = `// ${require('@tensorflow/tfjs/package.json').version} ${bundle}\n`;
  const folder = join(import.meta.dirname, 'node_modules', '.cache', 'easel-tests');
  const file = join(folder, 'tfjs.mjs');
  if (existsSync(file) && readFileSync(file, 'utf8').startsWith(head)) return file;
  // In a process of its own: tfjs leaves globals behind, which jest would hand to the tests.
  const list = execFileSync(process.execPath, ['-p', `Object.keys(require(${bundle})).join()`], {
    encoding: 'utf8',
  });
  const names = list
    .trim()
    .split(',')
    .filter((name) => name !== 'default');
  const text = `${head}import { createRequire } from 'node:module';
const bundle = createRequire(import.meta.url)(${bundle});
export default bundle;
export const { ${names.join(', ')} } = bundle;
`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${file}.${process.pid}`, text);
  renameSync(`${file}.${process.pid}`, file);
  return file;
}
