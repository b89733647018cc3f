// Builds the page into site/, which `easel serve` serves and `easel demo --static` copies.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const page = join(import.meta.dirname, 'src/page');

/** tfjs's WebAssembly, which lies beside the page in wasm/. */
const WASM = ['', '-simd', '-threaded-simd'].map((kind) => `tfjs-backend-wasm${kind}.wasm`);

function wasmFiles() {
  const folder = dirname(fileURLToPath(import.meta.resolve('@tensorflow/tfjs-backend-wasm/package.json')));
  return {
    name: 'wasm-files',
    generateBundle() {
      for (const name of WASM) {
        const source = readFileSync(join(folder, 'dist', name));
        this.emitFile({ type: 'asset', fileName: `wasm/${name}`, source });
      }
    },
  };
}

/**
 * tfjs hands the text of its factory of threads to each thread (`toString`). The text must not name
 * what stands around it, `_scriptDir`, which a minifier renames.
 */
function wasmThreads() {
  const around = /^\s*var _scriptDir = .*;\n\s*if \(typeof __filename .*;\n/m;
  return {
    name: 'wasm-threads',
    transform(code, id) {
      if (!id.includes('tfjs-backend-wasm-threaded-simd.js')) return undefined;
      const alone = code
        .replace(around, '')
        .replace('typeof _scriptDir !== "undefined" && _scriptDir', 'false')
        .replace('||_scriptDir', '')
        .replace('scriptDirectory=_scriptDir', '');
      if (alone.includes('_scriptDir')) this.error('tfjs-backend-wasm has changed: look at its _scriptDir');
      return { code: alone, map: null };
    },
  };
}

/** Folders of the packages whose modules are in the page or its worker. */
const bundled = new Set();

function packageOf(module) {
  const path = module.replace(/^\0/, '').replace(/\?.*$/, '');
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name !== undefined) return folder;
  }
  return undefined;
}

function noteModules() {
  return {
    name: 'note-modules',
    moduleParsed({ id }) {
      const folder = packageOf(id);
      if (folder !== undefined) bundled.add(folder);
    },
  };
}

/** Writes licences.txt: whose programs and fonts the page carries, and under which terms. */
function licences() {
  return {
    name: 'licences',
    generateBundle() {
      const parts = [...bundled].map((folder) => {
        const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
        const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
        const text =
          file === undefined
            ? 'The package carries no text of its licence.'
            : readFileSync(join(folder, file), 'utf8');
        return [`${name} ${version}: ${license}`, text.trim()];
      });
      parts.sort(([a], [b]) => (a < b ? -1 : 1));
      const line = '-'.repeat(78);
      const source = parts.map(([title, text]) => `${line}\n${title}\n${line}\n\n${text}\n`).join('\n');
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source });
    },
  };
}

/** Tells the service worker which files the page consists of. */
function offlineFiles() {
  return {
    name: 'offline-files',
    enforce: 'post',
    generateBundle(_, bundle) {
      const worker = bundle['service-worker.js'];
      const files = Object.values(bundle).filter(
        (file) => file !== worker && !file.fileName.endsWith('.txt'),
      );
      const digest = createHash('sha256');
      for (const file of files) digest.update(file.fileName).update(file.code ?? file.source);
      const names = [...files.map(({ fileName }) => fileName), ...readdirSync(join(page, 'public'))];
      worker.code = worker.code
        .replaceAll('__EASEL_FILES__', JSON.stringify(names.sort()))
        .replaceAll('__EASEL_DIGEST__', JSON.stringify(digest.digest('hex').slice(0, 16)));
    },
  };
}

export default defineConfig({
  root: page,
  base: './',
  logLevel: 'warn',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [noteModules(), wasmFiles(), licences(), offlineFiles()],
  worker: { format: 'es', plugins: () => [noteModules(), wasmThreads()] },
  build: {
    target: 'es2022',
    outDir: join(import.meta.dirname, 'site'),
    emptyOutDir: true,
    assetsInlineLimit: 0, // fonts and pictures are files, which the page's policy allows
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 4000,
    rollupOptions: {
      input: { index: join(page, 'index.html'), 'service-worker': join(page, 'offline/service-worker.ts') },
      output: {
        entryFileNames: ({ name }) => (name === 'service-worker' ? '[name].js' : 'assets/[name]-[hash].js'),
      },
    },
  },
});
