// node packages/demo/webgpu-check.mjs [FOLDER] Draws a picture on WebGPU in Chromium, with its
// software adapter, which takes minutes. FOLDER: what `easel demo --static` wrote (default
// out/page). Not a part of npm test.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';

const folder = process.argv[2] ?? 'out/page';
const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
};
/** Milliseconds until the check gives up. */
const PATIENCE = 900_000;

const server = createServer(async (request, response) => {
  const path = normalize(decodeURIComponent(new URL(request.url, 'http://here').pathname));
  const name = path === '/' ? 'index.html' : path.slice(1);
  const bytes = await readFile(join(folder, name)).catch(() => undefined);
  response.writeHead(bytes === undefined ? 404 : 200, {
    'content-type': TYPES[extname(name)] ?? 'application/json',
  });
  response.end(bytes);
}).listen(0, '127.0.0.1');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  chromiumSandbox: false,
  args: ['--enable-unsafe-webgpu', '--enable-features=Vulkan', '--use-webgpu-adapter=swiftshader'],
});
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.addInitScript(`localStorage.setItem('easel-backend', 'webgpu')`);
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForSelector('button[type=submit]:not([disabled])');
  console.log((await page.locator('.foot p').first().innerText()).trim());
  await page.locator('summary').click();
  await page.fill('#images', '1');
  await page.fill('#seed', '7');
  await page.fill('#prompt', 'a red heart');
  await page.press('#prompt', 'Enter');
  await page.waitForSelector('.frame[data-state=finished], .note[data-failed=true]');
  console.log((await page.locator('.placard-text').innerText()).replace(/\s+/g, ' '));
  if ((await page.locator('.frame[data-state=finished]').count()) === 0) process.exitCode = 1;
} finally {
  await browser.close();
  server.close();
}
