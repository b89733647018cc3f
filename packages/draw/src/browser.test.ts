import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { selectBackend } from '@easel/core';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { type FileServer, serveFiles } from '../../core/testing/file-server.js';
import { type Bundle, bundlePage, nodeImportsOf, ROOT } from '../testing/bundle.js';
import { findChromium, startChromium } from '../testing/chromium.js';
import type { PageAnswer, PageRequest } from '../testing/page.js';
import { generatePictures } from './generate-pictures.js';
import { openPictureModel } from './node.js';

jest.setTimeout(600_000); // a busy machine

const MODEL = join(ROOT, 'data/models/emoji');
const WASM = join(ROOT, 'node_modules/@tensorflow/tfjs-backend-wasm/dist');

// What is bundled is what is packed: the build. `npm run check` makes it before it tests.
const isBuilt = existsSync(join(ROOT, 'packages/draw/dist/index.js'));
const whenBuilt = isBuilt ? describe : describe.skip;
const chromium = findChromium();

whenBuilt('in a browser (skipped before npm run build)', () => {
  test.each([
    'safetensors-ts',
    'unidecode-ts',
    '@easel/core',
    '@easel/core/config',
    '@easel/bart',
    '@easel/vqgan',
    '@easel/clip',
    '@easel/draw',
  ])('%s imports nothing of Node', async (entry) => {
    expect(await nodeImportsOf(entry)).toEqual([]);
  });

  test('what reads folders does, so that the check above can fail', async () => {
    expect(await nodeImportsOf('@easel/draw/node')).toContain(
      'node:fs/promises from packages/safetensors-ts/dist/disk-file.js',
    );
  });

  describe('a page that draws', () => {
    let bundle: Bundle;
    beforeAll(async () => {
      bundle = await bundlePage(join(ROOT, 'packages/draw/testing/page.ts'));
    });

    test('is at most 1.6 MB, 500 kB as it is sent; 600 kB of it are not tfjs', () => {
      const loaded = [...bundle.files].filter(([name]) => bundle.atOnce.has(name)).map(([, bytes]) => bytes);
      const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0);
      expect(sum(loaded.map((bytes) => bytes.length))).toBeLessThan(1_600_000);
      expect(sum(loaded.map((bytes) => gzipSync(bytes).length))).toBeLessThan(500_000);
      const others = [...bundle.modules].filter(
        ([module]) => !/@tensorflow|seedrandom|\/long\//.test(module),
      );
      expect(sum(others.map(([, bytes]) => bytes))).toBeLessThan(600_000);
    });

    test('carries nothing of training and of formats that it does not meet', () => {
      const ours = [...bundle.modules.keys()].filter((module) => module.startsWith('packages/'));
      expect(ours).toContain('packages/core/dist/checkpoint/safetensors-file.js');
      const heavy =
        /pickle|torch\.|torch-(file|legacy)|zip|msgpack|optimizers|adversarial|losses|trainer?|train-bpe|\/clip\//;
      expect(ours.filter((module) => heavy.test(module))).toEqual([]);
    });

    describe('served', () => {
      let server: FileServer;
      let browser: Browser | undefined;
      beforeAll(async () => {
        const html = '<!DOCTYPE html><meta charset="utf-8"><script type="module" src="page.js"></script>';
        const files = new Map([...bundle.files, ['index.html', new TextEncoder().encode(html)]]);
        for (const name of readdirSync(WASM)) {
          if (name.endsWith('.wasm')) files.set(`wasm/${name}`, readFileSync(join(WASM, name)));
        }
        for (const name of readdirSync(MODEL, { recursive: true, encoding: 'utf8' })) {
          if (/\.\w+$/.test(name)) files.set(`models/emoji/${name}`, readFileSync(join(MODEL, name)));
        }
        server = await serveFiles(files);
        if (chromium !== undefined) browser = await startChromium(chromium);
      });
      afterAll(async () => {
        await browser?.close();
        await server.close();
      });

      const when = chromium === undefined ? test.skip : test;
      when(
        'draws in Chromium what Node draws, on wasm (skipped without a chromium on the PATH)',
        async () => {
          const prompts = ['a red heart', 'a pizza'];
          const page = await (browser as Browser).newPage();
          const errors: string[] = [];
          page.on('pageerror', (error) => errors.push(error.message));
          await page.goto(`${server.address}/index.html`);
          await page.waitForFunction('globalThis.drawInPage !== undefined');
          server.asked.length = 0;
          const request: PageRequest = {
            model: 'models/emoji',
            wasmPaths: 'wasm',
            prompts,
            images: 1,
            seed: 7,
          };
          const answer = (await page.evaluate(
            `globalThis.drawInPage(${JSON.stringify(request)})`,
          )) as PageAnswer;
          expect(errors).toEqual([]);
          expect(answer.backend).toBe('wasm');

          await selectBackend('wasm');
          const model = await openPictureModel(MODEL);
          const expected: PageAnswer['pictures'][number][] = [];
          for await (const { prompt, tokens, pixels } of generatePictures(model, {
            prompts,
            images: 1,
            seed: 7,
          })) {
            const { width, height, data } = pixels;
            expected.push({ prompt, tokens: [...tokens], width, height, pixels: [...data] });
          }
          model.dispose();
          expect(answer.pictures).toEqual(expected);
          expect(expected.map(({ width, height }) => [width, height])).toEqual(Array(2).fill([64, 64]));

          // Each file of weights came by one request, and weights were told of as they came.
          const weights = server.asked.filter((asked) => asked.includes('model.safetensors'));
          expect(weights).toEqual([
            `models/emoji/model.safetensors bytes=0-${2 ** 24 - 1}`,
            `models/emoji/vqgan/model.safetensors bytes=0-${2 ** 24 - 1}`,
          ]);
          const [last] = answer.weights.slice(-1) as [[number, number]];
          expect(last[0]).toBe(last[1]);
        },
      );
    });
  });
});
