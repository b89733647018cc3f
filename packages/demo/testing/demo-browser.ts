import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { findChromium, startChromium } from '../../draw/testing/chromium.js';

/** The built page. */
export const SITE = join(import.meta.dirname, '../site');

/** Why the tests of the page cannot run here; undefined if they can. */
export function whyNot(): string | undefined {
  if (!existsSync(join(SITE, 'index.html')))
    return 'skipped before npm run build, which also builds the page';
  if (findChromium() === undefined) return 'skipped without a chromium on the PATH';
  return undefined;
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** One browser for all tests of a file. */
export class DemoBrowser {
  /** What went wrong in pages: errors, and what the console calls one. */
  readonly faults: string[] = [];
  private browser: Browser | undefined;
  private readonly contexts: BrowserContext[] = [];

  /** Opens an address as a new visitor with a browser of his own. */
  async visit(address: string, options: BrowserContextOptions = {}): Promise<Page> {
    this.browser ??= await startChromium(findChromium() as string);
    const context = await this.browser.newContext({
      viewport: { width: 1280, height: 860 },
      reducedMotion: 'reduce',
      ...options,
    });
    this.contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(300_000); // a busy machine
    page.on('pageerror', (error) => this.faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') this.faults.push(message.text());
    });
    await page.goto(address);
    return page;
  }

  /** Ends the visits. */
  async leave(): Promise<void> {
    await Promise.all(this.contexts.splice(0).map((context) => context.close()));
  }

  async close(): Promise<void> {
    await this.browser?.close();
  }
}

/**
 * Waits until an expression holds in the page. Playwright's own way evaluates it as a text in the
 * page, which the page's policy forbids.
 */
export async function untilTrue(page: Page, expression: string): Promise<void> {
  const end = Date.now() + 300_000; // a busy machine
  while (!(await page.evaluate(expression))) {
    if (Date.now() > end) throw new Error(`In the page this did not become true: ${expression}`);
    await page.waitForTimeout(50);
  }
}

/** Waits until an element's text has a match. */
export function untilText(page: Page, selector: string, pattern: RegExp): Promise<void> {
  return untilTrue(page, `${pattern}.test(document.querySelector('${selector}')?.innerText)`);
}

/** Waits until the page can draw. */
export async function untilOpen(page: Page): Promise<void> {
  await page.waitForSelector('button[type=submit]:not([disabled])');
}

/** Draws a prompt, and waits until all is finished. */
export async function draw(page: Page, prompt: string, values: Readonly<Record<string, string>> = {}) {
  await fill(page, values);
  await page.fill('#prompt', prompt);
  await page.press('#prompt', 'Enter');
  await untilText(page, '.placard', /pictures? in /);
}

/** Fills fields of the settings, by their ids. */
export async function fill(page: Page, values: Readonly<Record<string, string>>): Promise<void> {
  await page.evaluate('document.querySelector("details").open = true');
  for (const [name, value] of Object.entries(values)) await page.fill(`#${name}`, value);
}

/** What axe-core finds fault with, a line each. */
export async function axeFaults(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  return page.evaluate(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
       violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ' ' + target + ': ' + failureSummary)))`,
  );
}

/** The files of a folder, by name, for a server of files. */
export function filesIn(folder: string): Map<string, Uint8Array> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const files = new Map(
    paths.map((path) => [path.slice(folder.length + 1), new Uint8Array(readFileSync(path))]),
  );
  const index = files.get('index.html');
  if (index !== undefined) files.set('', index);
  return files;
}
