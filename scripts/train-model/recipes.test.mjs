import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { readRecipe } from './recipe.mjs';
import { runRecipe } from './run-recipe.mjs';

jest.setTimeout(900_000); // half a minute, or many times that on a busy machine

const root = join(import.meta.dirname, '..', '..');
const recipes = readdirSync(join(root, 'configs', 'recipes')).map((name) => basename(name, '.json'));
// The commands run as they are built.
const whenBuilt = existsSync(join(root, 'packages/cli/dist/main.js')) ? test : test.skip;

let folder;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'easel-smoke-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

whenBuilt.each(recipes)('%s: every stage works with those before it, and is done once', async (name) => {
  const recipe = await readRecipe(root, name, { smoke: true, out: relative(root, join(folder, name)) });
  const log = join(folder, `${name}.log`);
  const output = openSync(log, 'w');
  const { complete, rows } = await runRecipe(root, recipe, { output })
    .catch((error) => {
      throw new Error(`${error.message}\n${readFileSync(log, 'utf8').slice(-2000)}`);
    })
    .finally(() => closeSync(output));
  expect([complete, rows.map(({ state }) => state)]).toEqual([true, recipe.stages.map(() => 'done')]);
  for (const { figures, name: stage } of recipe.stages)
    expect(Object.keys(rows.find((row) => row.name === stage).figures)).toEqual(Object.keys(figures));
  const again = await runRecipe(root, recipe);
  expect(new Set(again.rows.map(({ state }) => state))).toEqual(new Set(['was done']));
});
