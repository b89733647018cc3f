import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend } from '@easel/core';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { writeTinyModel } from '../../../draw/testing/tiny-model.js';
import { type HubServer, repositoryOf, serveHub } from '../../../hub/testing/hub-server.js';
import { runEasel } from '../../testing/run-easel.js';

jest.setTimeout(120_000); // a busy machine

/** The commit of the VQGAN that the original's notebook names. */
const VQGAN = 'dalle-mini/vqgan_imagenet_f16_16384';
const VQGAN_COMMIT = 'e93a26e7707683d349bf5d5c41c5b0ef69b677a9';

let root: string;
let hub: HubServer;
const before = { ...process.env };
const at = (...words: string[]) => join(root, ...words);

/** The files of a folder itself, as those of a repository. */
function filesOf(folder: string): Record<string, Uint8Array> {
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(names.map(({ name }) => [name, readFileSync(join(folder, name))]));
}

beforeAll(async () => {
  await selectBackend('cpu');
  root = mkdtempSync(join(tmpdir(), 'easel-models-'));
  await writeTinyModel(at('tiny'));
  const vqgan = repositoryOf(filesOf(at('tiny/vqgan')));
  const [files] = vqgan.commits.values();
  vqgan.commits.set(VQGAN_COMMIT, files as Map<string, Uint8Array>);
  // A repository as DALL·E mini's: Flax, and no VQGAN.
  rmSync(at('text'), { recursive: true, force: true });
  await writeTinyModel(at('text'));
  rmSync(at('text/vqgan'), { recursive: true });
  expect((await runEasel('convert', at('text'), at('flax'), '--to', 'flax')).code).toBe(0);
  hub = await serveHub({ 'easel/flax': repositoryOf(filesOf(at('flax'))), [VQGAN]: vqgan });
  Object.assign(process.env, {
    HF_HOME: at('home'),
    HF_ENDPOINT: hub.endpoint,
    HF_TOKEN_PATH: at('no-token'),
  });
  for (const name of ['HF_HUB_CACHE', 'HF_HUB_OFFLINE', 'HF_ASSETS_CACHE', 'HF_TOKEN'])
    delete process.env[name];
});
afterAll(async () => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  await hub.close();
  rmSync(root, { recursive: true });
});

const draw = (...more: string[]) =>
  runEasel('generate', 'a cat', '--model', 'hf:easel/flax', '--out', at('out'), '--overwrite', ...more);

test('a named model is fetched when that is asked for, rewritten once, and opens without network', async () => {
  const unasked = await draw();
  expect(unasked.code).toBe(1);
  expect(unasked.stderr).toBe(
    "easel generate: hf:easel/flax is not in the hub's cache, and nothing is fetched unasked. easel models fetch hf:easel/flax fetches it; so does --yes.\n",
  );
  expect(hub.seen).toEqual([]);

  const plan = await runEasel('models', 'fetch', 'hf:easel/flax', '--dry-run');
  expect(plan.stdout).toMatch(
    /hf:easel\/flax: \d+ files, .*\n {2}hf:dalle-mini\/vqgan_imagenet_f16_16384@e93a\w+: 2 files, .* \(its VQGAN\)\nThen rewritten/,
  );
  expect(existsSync(at('home/hub/models--easel--flax'))).toBe(false);

  const asked = await draw('--yes');
  expect([asked.code, asked.stdout]).toEqual([0, `${at('out/a-cat-0-0.png')}\n`]);
  expect(asked.stderr).toContain("Then rewritten in Easel's form, once");
  const drawn = readFileSync(at('out/a-cat-0-0.png'));
  const [made = ''] = readdirSync(at('home/assets/easel/easel--flax'));
  expect(made).toMatch(/^\w{40}--vqgan-e93a26e77076$/);

  process.env.HF_HUB_OFFLINE = '1';
  hub.seen.length = 0;
  const again = await draw();
  delete process.env.HF_HUB_OFFLINE;
  expect([again.code, hub.seen]).toEqual([0, []]);
  expect(readFileSync(at('out/a-cat-0-0.png'))).toEqual(drawn);
  const { stdout } = await runEasel('inspect', at('out/a-cat-0-0.png'));
  expect(stdout).toContain('hf:easel/flax');
});

test('models list, verify and remove', async () => {
  const listed = await runEasel('models', 'list');
  expect(listed.stdout).toMatch(/^name +revision +commit +files +size +form +rewritten\n/);
  expect(listed.stdout).toMatch(/\nhf:easel\/flax +main +\w{12} +\d+ +[\d.]+ kB +flax +[\d.]+ kB$/m);
  const json = JSON.parse((await runEasel('models', 'list', '--json')).stdout);
  expect(json).toHaveLength(2);

  expect(await runEasel('models', 'verify')).toMatchObject({ code: 0, stderr: '' });
  const file = join(
    json.find(({ repository }: { repository: string }) => repository === 'easel/flax').folder,
    'config.json',
  );
  const right = readFileSync(file);
  writeFileSync(file, Buffer.from(right).fill(0x23, 3, 4));
  const damaged = await runEasel('models', 'verify', 'hf:easel/flax');
  expect(damaged.code).toBe(1);
  expect(damaged.stdout).toMatch(/: 1 faults\n {2}.*config\.json has other bytes than the hub's/);
  expect(damaged.stderr).toMatch(/^easel models fetch hf:easel\/flax@\w{40} fetches them again\.\n$/);
  const mended = await runEasel('models', 'fetch', 'hf:easel/flax', '--quiet');
  expect([mended.code, mended.stderr]).toEqual([0, '']);
  expect(mended.stdout).toMatch(/assets\/easel\/easel--flax\/\w{40}--vqgan-e93a26e77076\n$/);
  expect(readFileSync(file)).toEqual(right);

  expect((await runEasel('models', 'remove', 'hf:easel/flax')).stderr).toContain(
    '--yes removes without asking',
  );
  const removed = await runEasel('models', 'remove', 'hf:easel/flax', '--yes');
  expect(removed.stdout).toMatch(/^hf:easel\/flax: [\d.]+ kB removed\n$/);
  expect(existsSync(at('home/hub/models--easel--flax'))).toBe(false);
  expect(existsSync(at('home/assets/easel/easel--flax'))).toBe(false);
  expect((await runEasel('models', 'verify', 'hf:easel/flax')).stderr).toContain('is not in the cache');
});

test.each([
  ['hf:easel/flax/x', /Expected hf:ORG\/NAME/],
  ['hf:easel/unknown', /there is no such repository, or it is private/],
  ['hf:easel/flax@v2', /has no revision "v2"/],
  ['hf:easel/flax:small', /is no model that Easel opens.*It has config\.json/],
])('%s is an error in one paragraph', async (name, message) => {
  const { code, stdout, stderr } = await runEasel(
    'generate',
    'a cat',
    '--model',
    name,
    '--yes',
    '--out',
    at('none'),
  );
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(message);
  expect(existsSync(at('none'))).toBe(false);
});
