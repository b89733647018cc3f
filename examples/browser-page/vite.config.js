// Serves the model's files at /model/ and tfjs's WebAssembly at /wasm/, and copies both where the page is built.
import { cpSync, createReadStream, existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { findModelPackage } from '@easel/draw/node';

const wasm = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
const folders = { model: findModelPackage('@easel/model-emoji'), wasm };

/** What a page asks for: a model's files, and WebAssembly without the program around it. */
const isServed = (path) =>
  statSync(path).isDirectory() ? path.endsWith('vqgan') : /\.(json|txt|safetensors|wasm)$/.test(path);

export default {
  root: import.meta.dirname,
  base: './',
  build: { target: 'es2022' },
  plugins: [
    {
      name: 'folders',
      configureServer(server) {
        for (const [name, folder] of Object.entries(folders))
          server.middlewares.use(`/${name}`, (request, response, next) => {
            const file = join(folder, new URL(request.url, 'http://page').pathname);
            if (existsSync(file)) createReadStream(file).pipe(response);
            else next();
          });
      },
      writeBundle({ dir }) {
        for (const [name, folder] of Object.entries(folders))
          cpSync(folder, join(dir, name), {
            recursive: true,
            filter: (path) => path === folder || isServed(path),
          });
      },
    },
  ],
};
