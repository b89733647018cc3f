import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { selectBackend } from '@easel/core';
import { generatePictures, readPictureOrigin } from '@easel/draw';
import { openPictureModel } from '@easel/draw/node';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type FileServer, serveFiles } from '../../core/testing/file-server.js';
import type { EaselServer } from '../../server/src/start-server.js';
import { metricOf, postJson, TestServers, until } from '../../server/testing/running-server.js';
import {
  axeFaults,
  DemoBrowser,
  draw,
  filesIn,
  fill,
  SITE,
  untilOpen,
  untilText,
  untilTrue,
  whyNot,
} from '../testing/demo-browser.js';
import { writeStaticSite } from './static-site.js';

jest.setTimeout(600_000); // a busy machine

const reason = whyNot();
const whenPossible = reason === undefined ? describe : describe.skip;

whenPossible(`the page in a browser${reason === undefined ? '' : ` (${reason})`}`, () => {
  const browser = new DemoBrowser();
  const servers = new TestServers();
  beforeAll(() => servers.open());
  afterEach(async () => {
    await browser.leave();
    expect(browser.faults.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser.close();
    await servers.close();
  });

  test('its script is below 60 kB as it is sent', () => {
    const html = readFileSync(join(SITE, 'index.html'), 'utf8');
    const scripts = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+\.js)"/g)].map(
      ([, name]) => name as string,
    );
    expect(scripts.length).toBeGreaterThan(0);
    const bytes = scripts.map((name) => gzipSync(readFileSync(join(SITE, name))).length);
    expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThan(60_000);
  });

  describe('with a server', () => {
    let server: EaselServer;
    beforeAll(async () => {
      writeFileSync(join(servers.model, 'examples.json'), '["a red heart", "a dog"]');
      server = await servers.start({
        slots: 1,
        limits: { images: 5000, requests: 100, clientRequests: 100 },
      });
    });

    test('draws, shows pictures while they grow, keeps them, saves them with their settings', async () => {
      const page = await browser.visit(server.url);
      await page.evaluate(`globalThis.grown = 0; new MutationObserver(() => {
        grown = Math.max(grown, document.querySelectorAll('.frame[data-state=growing] img').length);
      }).observe(document.body, { subtree: true, childList: true, attributes: true })`);
      await untilOpen(page);
      await draw(page, 'a red heart', { seed: '7', temperature: '0.9' });
      expect(await page.locator('.frame[data-state=finished]').count()).toBe(9);
      expect(await page.evaluate('grown')).toBeGreaterThan(0);
      expect(await page.locator('.placard').innerText()).toContain('9 pictures in');

      // A large picture by the keyboard, the next one by an arrow, and its file.
      await page.locator('.frame').nth(1).focus();
      await page.keyboard.press('Enter');
      await page.waitForSelector('dialog[open]');
      await page.keyboard.press('ArrowRight');
      const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=Save PNG')]);
      expect(download.suggestedFilename()).toBe('a-red-heart-7-2.png');
      const path = join(servers.model, 'saved.png');
      await download.saveAs(path);
      const settings = { topK: 50, topP: 1, temperature: 0.9, conditionScale: 1 };
      const saved = readFileSync(path);
      expect(readPictureOrigin(saved)).toEqual({
        prompt: 'a red heart',
        index: 2,
        seed: 7,
        model: 'tiny',
        settings,
      });
      const request = { prompt: 'a red heart', n: 3, seed: 7, temperature: 0.9 };
      const { data } = (await (await postJson(server, '/v1/images/generations', request)).json()) as {
        data: { b64_json: string }[];
      };
      expect(saved.toString('base64')).toBe(data[2]?.b64_json);

      // Vary: the next seed.
      await page.click('dialog >> text=Vary');
      await untilText(page, '.placard', /Seed 8/);
      expect(await page.inputValue('#seed')).toBe('8');

      // Both are kept; one is shown again, then deleted; the other is there after a reload.
      await untilTrue(page, 'document.querySelectorAll(".card").length === 2');
      await page.locator('.card-open').nth(1).click();
      expect(await page.locator('.placard').innerText()).toContain('Seed 7');
      await page.locator('.card-foot button').nth(1).click();
      await untilTrue(page, 'document.querySelectorAll(".card").length === 1');
      await page.reload();
      await page.waitForSelector('.card');
      await page.click('text=Delete all');
      await page.click('text=Delete >> nth=0');
      await untilTrue(page, 'document.querySelectorAll(".card").length === 0');

      // A picture that is opened, or dropped, brings its settings back.
      await untilOpen(page);
      await page.setInputFiles('input[type=file]', path);
      await untilTrue(page, 'document.querySelector("#prompt").value === "a red heart"');
      await fill(page, {});
      expect([await page.inputValue('#seed'), await page.inputValue('#temperature')]).toEqual(['7', '0.9']);
      await page.fill('#prompt', '');
      const transfer = await page.evaluateHandle(
        `(() => { const transfer = new DataTransfer(); const bytes = Uint8Array.from(atob('${saved.toString('base64')}'), (x) => x.charCodeAt(0));
          transfer.items.add(new File([bytes], 'dropped.png', { type: 'image/png' })); return transfer; })()`,
      );
      await page.dispatchEvent('main', 'dragover', { dataTransfer: transfer });
      await page.waitForSelector('.drop');
      await page.dispatchEvent('main', 'drop', { dataTransfer: transfer });
      await untilTrue(page, 'document.querySelector("#prompt").value === "a red heart"');
      await page.setInputFiles('input[type=file]', {
        name: 'notes.png',
        mimeType: 'image/png',
        buffer: Buffer.from('x'),
      });
      await untilText(page, '.placard', /notes.png: expected a PNG file/);
    });

    test('in a queue: its place is shown, and Cancel ends it', async () => {
      const controller = new AbortController();
      const long = { prompt: 'a dog', n: 5000, preview: false };
      const others = 80;
      const sent = Array.from({ length: others }, () =>
        postJson(server, '/api/draw', long, { signal: controller.signal }),
      );
      await Promise.all(sent);
      const page = await browser.visit(server.url);
      await untilOpen(page);
      await page.fill('#prompt', 'a red heart');
      await page.press('#prompt', 'Enter');
      await untilText(page, '.placard', /in the queue/);
      await page.click('text=Cancel');
      await untilText(page, '.placard', /Cancelled/);
      await until(async () => (await metricOf(server, 'easel_requests')) === others);
      controller.abort();
      await until(async () => (await metricOf(server, 'easel_requests')) === 0);
    });

    test('what is refused before it is sent, and by the server', async () => {
      const page = await browser.visit(server.url);
      await untilOpen(page);
      await page.press('#prompt', 'Enter');
      expect(await page.locator('#fault').innerText()).toBe('Say what to draw first.');
      await fill(page, { topK: '1.5' });
      expect(await page.locator('.field:has(#topK) p').innerText()).toContain('expected a whole number');
      await fill(page, { topK: '5' });
      await page.fill('#prompt', 'a \u0007 dog');
      await page.press('#prompt', 'Enter');
      await untilText(page, '.placard', /U\+0007, a control character/);
      browser.faults.length = 0; // the browser notes the answer 400
    });

    test.each([
      ['desktop, light', 1280, 'light'],
      ['phone, dark', 390, 'dark'],
      ['narrow phone, light', 320, 'light'],
    ] as const)('axe-core finds nothing, and nothing sticks out: %s', async (_, width, colorScheme) => {
      const page = await browser.visit(server.url, { viewport: { width, height: 800 }, colorScheme });
      const isTooWide = () => page.evaluate('document.documentElement.scrollWidth > innerWidth');
      await untilOpen(page);
      await draw(page, 'a dog', { images: '4' });
      await page.waitForSelector('.card');
      expect(await axeFaults(page)).toEqual([]);
      expect(await isTooWide()).toBe(false);
      await page.locator('.frame').first().click();
      await page.waitForSelector('dialog[open]');
      expect(await axeFaults(page)).toEqual([]);
      expect(await isTooWide()).toBe(false);
    });

    test('a key is asked for', async () => {
      const locked = await servers.start({ key: 'secret' });
      const page = await browser.visit(locked.url);
      await page.fill('#key', 'wrong');
      await page.click('text=Go on');
      await untilText(page, 'body', /key is wrong/);
      expect(await axeFaults(page)).toEqual([]);
      await page.fill('#key', 'secret');
      await page.click('text=Go on');
      await untilOpen(page);
      await draw(page, 'a dog', { images: '1' });
      browser.faults.length = 0; // the browser notes the answers 401
    });
  });

  describe('without one, on wasm', () => {
    let root: string;
    let server: FileServer;
    beforeAll(async () => {
      root = mkdtempSync(join(tmpdir(), 'easel-page-'));
      await writeStaticSite({ model: servers.model, name: 'tiny', to: join(root, 'page') });
      server = await serveFiles(filesIn(join(root, 'page')));
    });
    afterAll(async () => {
      await server.close();
      rmSync(root, { recursive: true });
    });

    test('draws the codes of the command line, fetches the model once, and draws without a network', async () => {
      const request = { prompt: 'a red heart', seed: 7, images: 3 };
      const page = await browser.visit('about:blank');
      // Codes go from the worker to the page beside the pictures.
      await page.addInitScript(`globalThis.codes = []; globalThis.Worker = class extends Worker {
        constructor(...given) { super(...given); this.addEventListener('message', ({ data: { event } }) => {
          if (event?.type === 'picture') codes[event.index] = [...event.tokens]; }); } }`);
      await page.goto(`${server.address}/`);
      await untilOpen(page);
      expect(await page.evaluate('crossOriginIsolated')).toBe(true);
      expect(await page.locator('.foot').innerText()).toMatch(/in this browser, on wasm: .*SIMD, threads/);
      await draw(page, request.prompt, { seed: '7', images: '3' });
      const drawn = await page.evaluate('codes');

      await selectBackend('wasm');
      const model = await openPictureModel(servers.model);
      const expected: number[][] = [];
      const { prompt, ...others } = request;
      for await (const { tokens } of generatePictures(model, { prompts: [prompt], ...others }))
        expected.push([...tokens]);
      model.dispose();
      expect(drawn).toEqual(expected);

      const weights = server.asked.filter((name) => name === 'model/model.safetensors');
      expect(weights.length).toBe(1);
      await server.close();
      await page.reload();
      await untilOpen(page);
      await draw(page, request.prompt, { seed: '7', images: '3' });
      expect(await page.evaluate('codes')).toEqual(expected);
      expect(await page.locator('.card').count()).toBeGreaterThan(0);
      browser.faults.length = 0; // the browser notes that it has no network
    });

    test('a damaged model is named, and tried again', async () => {
      const files = filesIn(join(root, 'page'));
      const weights = files.get('model/model.safetensors') as Uint8Array;
      files.set(
        'model/model.safetensors',
        weights.map((byte, i) => (i === 5000 ? byte ^ 1 : byte)),
      );
      const damaged = await serveFiles(files);
      try {
        const page = await browser.visit(`${damaged.address}/`);
        await page.waitForSelector('.fault');
        expect(await page.locator('.fault').innerText()).toContain('its SHA-256 differs');
        damaged.files.set('model/model.safetensors', weights);
        await page.click('text=Try again');
        await untilOpen(page);
      } finally {
        await browser.leave();
        await damaged.close();
      }
    });
  });
});
