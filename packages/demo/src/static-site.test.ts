import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { selectBackend, verifyModel } from '@easel/core';
import { folderFiles } from '@easel/core/node';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeTinyModel } from '../../draw/testing/tiny-model.js';
import { readSite } from './site.js';
import { writeStaticSite } from './static-site.js';

const isBuilt = existsSync(join(import.meta.dirname, '../site/index.html'));
const whenBuilt = isBuilt ? describe : describe.skip;

whenBuilt('a folder with the page and a model (skipped before npm run build)', () => {
  let root: string;
  let model: string;
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'easel-static-'));
    model = join(root, 'tiny');
    await selectBackend('cpu');
    await writeTinyModel(model);
    writeFileSync(join(model, 'generation.json'), '{"top_k": 5}');
  });
  afterAll(() => rmSync(root, { recursive: true }));

  test('has the page, who draws, and the model with a manifest', async () => {
    const to = join(root, 'new', 'site');
    const bytes = await writeStaticSite({ model, name: 'tiny', to });
    expect(bytes).toBeGreaterThan(1e6);
    expect(JSON.parse(readFileSync(join(to, 'page.json'), 'utf8'))).toEqual({
      ...{ draws: 'browser', model: 'model', name: 'tiny' },
    });
    for (const name of (await readSite()).keys()) expect(existsSync(join(to, name))).toBe(true);
    expect(await verifyModel(folderFiles(join(to, 'model')))).toBeGreaterThan(4);
    expect(readFileSync(join(to, 'model/generation.json'), 'utf8')).toBe('{"top_k": 5}');
  });

  test('replaces such a folder, and nothing else', async () => {
    const to = join(root, 'site');
    await writeStaticSite({ model, name: 'tiny', to });
    writeFileSync(join(to, 'old.txt'), 'old');
    await writeStaticSite({ model, name: 'other', to });
    expect(existsSync(join(to, 'old.txt'))).toBe(false);
    expect(readFileSync(join(to, 'page.json'), 'utf8')).toContain('other');

    const own = join(root, 'own');
    mkdirSync(own);
    writeFileSync(join(own, 'thesis.txt'), 'mine');
    await expect(writeStaticSite({ model, name: 'tiny', to: own })).rejects.toThrow('found thesis.txt');
    const file = join(own, 'thesis.txt');
    await expect(writeStaticSite({ model, name: 'tiny', to: file })).rejects.toThrow('found a file');
    expect(readFileSync(file, 'utf8')).toBe('mine');
  });

  test('a model that cannot be copied leaves the folder as it was', async () => {
    const to = join(root, 'kept');
    await writeStaticSite({ model, name: 'tiny', to });
    const broken = join(root, 'broken');
    await writeTinyModel(broken);
    writeFileSync(join(broken, 'manifest.json'), '{"files": {"none": {"size": 1, "sha256": "x"}}}');
    await expect(writeStaticSite({ model: broken, name: 'broken', to })).rejects.toThrow('none');
    expect(readFileSync(join(to, 'page.json'), 'utf8')).toContain('tiny');
    expect(readdirSync(root).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});
