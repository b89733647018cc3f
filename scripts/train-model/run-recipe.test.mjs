import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { tableOf } from './figures.mjs';
import { readRecipe } from './recipe.mjs';
import { runRecipe, STATE_FILE } from './run-recipe.mjs';

jest.setTimeout(300_000); // a busy machine

let root;
const at = (...parts) => join(root, ...parts);
const read = (...parts) => readFileSync(at(...parts), 'utf8');

/** Appends its words to the log, and writes them into a file if one is named. */
const PROGRAM = `
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
const [what, file] = process.argv.slice(2);
appendFileSync('log', what + ' ');
if (what === 'fail') process.exit(3);
if (existsSync('slow') && what === 'train') {
  process.on('SIGINT', () => { appendFileSync('log', 'interrupted '); process.exit(130); });
  setInterval(() => {}, 1000);
  writeFileSync('started', '');
} else if (file !== undefined) {
  mkdirSync(file, { recursive: true });
  writeFileSync(file + '/made', what);
}
if (what === 'judge') console.log(JSON.stringify({ deep: [{ score: 2 / 3 }] }));
`;

const stages = () => [
  {
    name: 'data',
    does: 'pictures',
    commands: [{ run: 'node program.mjs data {out}/data', smoke: 'tiny' }],
    reads: ['data.txt'],
    makes: ['{out}/data/made'],
  },
  {
    name: 'train',
    does: 'learning',
    commands: [{ run: 'node program.mjs train {out}/train' }],
    reads: ['config.json'],
    makes: ['{out}/train', '{out}/train/made'],
    resumes: true,
  },
  {
    name: 'words',
    does: 'words',
    after: ['data'],
    commands: [{ run: 'node program.mjs words {out}/words' }],
    makes: ['{out}/words/made'],
  },
  {
    name: 'judge',
    does: 'judging',
    after: ['train', 'words'],
    commands: [{ run: 'node program.mjs draw' }, { run: 'node program.mjs judge' }],
    makes: ['{out}/judged.json'],
    stdout: '{out}/judged.json',
    figures: { score: { file: '{out}/judged.json', field: 'deep.0.score' }, none: { file: 'x', field: 'y' } },
  },
];

function write(list = stages(), more = {}) {
  const json = { values: { out: 'runs/{name}', name: 'a' }, smoke: { name: 'smoke' }, stages: list, ...more };
  writeFileSync(at('configs', 'recipes', 'a.json'), JSON.stringify(json));
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'easel-recipe-'));
  mkdirSync(at('configs', 'recipes'), { recursive: true });
  for (const [name, text] of Object.entries({
    'program.mjs': PROGRAM,
    'data.txt': '1',
    'config.json': '{}',
    log: '',
  }))
    writeFileSync(at(name), text);
  write();
});
afterEach(() => rmSync(root, { recursive: true }));

/** Runs the recipe and returns the stages' states, and what the programs logged. */
async function run(options = {}, reading = {}) {
  writeFileSync(at('log'), '');
  const { complete, rows } = await runRecipe(root, await readRecipe(root, 'a', reading), options);
  return { complete, states: rows.map(({ state }) => state), log: read('log').trim(), rows };
}

test('stages are done once for their inputs, and those that need a changed one again', async () => {
  const first = await run();
  expect(first).toMatchObject({
    complete: true,
    states: Array(4).fill('done'),
    log: 'data train words draw judge',
  });
  expect(first.rows[3].figures).toEqual({ score: 2 / 3 });
  expect(await run()).toMatchObject({ complete: true, states: Array(4).fill('was done'), log: '' });
  rmSync(at('runs/a/words/made'));
  expect((await run()).log).toBe('words'); // the same inputs: what needs it stays as it is
  write(stages().map((stage) => (stage.name === 'words' ? { ...stage, reads: ['data.txt'] } : stage)));
  expect((await run()).log).toBe('words draw judge');
});

test('what was learnt is not thrown away for other inputs, unless asked for', async () => {
  await run();
  writeFileSync(at('config.json'), '{"steps": 2}');
  const refusal =
    'Stage train was begun with other inputs: config.json changed since. npm run train-model -- a --restart train deletes';
  await expect(run()).rejects.toThrow(refusal);
  expect(existsSync(at('runs/a/train/made'))).toBe(true);
  expect(await run({ restart: 'train' })).toMatchObject({
    complete: true,
    states: ['was done', 'done', 'was done', 'done'],
    log: 'train draw judge',
  });
  writeFileSync(at('data.txt'), '2');
  await expect(run()).rejects.toThrow('Stage train was begun with other inputs: stage data changed since');
});

test('only a stage, from a stage, smoke, another folder', async () => {
  await expect(run({ only: 'words' })).rejects.toThrow('Stage words needs stage data, which is not done.');
  expect(await run({ only: 'data' })).toMatchObject({ complete: true, states: ['done', '–', '–', '–'] });
  await run();
  writeFileSync(at('config.json'), 'other'); // stages before the one asked for are not looked at
  expect((await run({ from: 'words' })).states).toEqual(['was done', 'was done', 'was done', 'was done']);
  await expect(run({ from: 'wrods' })).rejects.toThrow('--from: expected one of data, train, words, judge');
  expect((await run({}, { smoke: true })).states).toEqual(Array(4).fill('done'));
  expect(existsSync(at('runs/smoke/data/made'))).toBe(true);
  expect((await readRecipe(root, 'a', { smoke: true })).stages[0].commands[0].at(-1)).toBe('tiny');
  expect((await readRecipe(root, 'a', { out: 'else' })).stages[0].makes).toEqual(['else/data/made']);
});

test('the signal stops a command, and the same call goes on', async () => {
  writeFileSync(at('slow'), '');
  const stop = new AbortController();
  const watch = setInterval(() => existsSync(at('started')) && stop.abort(), 20);
  const { complete, states, log } = await run({ signal: stop.signal });
  clearInterval(watch);
  expect([complete, states, log]).toEqual([false, ['done', 'stopped', '–', '–'], 'data train interrupted']);
  rmSync(at('slow'));
  const again = await run();
  expect([again.states[1], again.log]).toEqual(['done', 'train words draw judge']);
});

test('a command that fails, and one that makes nothing', async () => {
  const failing = { name: 'x', does: 'x', commands: [{ run: 'node program.mjs fail' }], makes: ['{out}/x'] };
  write([failing]);
  await expect(run()).rejects.toThrow('Stage x: "node program.mjs fail" failed with exit code 3');
  write([{ ...failing, commands: [{ run: 'node program.mjs well' }] }]);
  await expect(run()).rejects.toThrow('its commands ended well, but runs/a/x is not there');
});

test('two runs at a time, and a damaged state', async () => {
  const recipe = await readRecipe(root, 'a');
  // Either may come first.
  const both = await Promise.allSettled([runRecipe(root, recipe), runRecipe(root, recipe)]);
  expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  const refused = both.find(({ status }) => status === 'rejected');
  expect(refused.reason.message).toContain('another run writes into it');
  writeFileSync(at('runs/a', STATE_FILE), '{');
  await expect(runRecipe(root, recipe)).rejects.toThrow('recipe.json: damaged, or of another version');
});

test.each([
  ['none', () => {}, 'there is no such recipe. Recipes here: a.'],
  ['a', () => write([]), 'a.json: stages: expected a list of at least 1 entry'],
  [
    'a',
    () => write([{ ...stages()[0], after: ['judge'] }]),
    'stages.data.after: expected stages before it (none), got "judge"',
  ],
  ['a', () => write([stages()[0], stages()[0]]), 'stages.data: there are two stages of this name'],
  [
    'a',
    () => write([{ ...stages()[0], commands: [{ run: 'rm -r x' }] }]),
    'a command that begins with easel or node, got "rm -r x"',
  ],
  [
    'a',
    () => write([{ ...stages()[0], makes: ['{oud}/x'] }]),
    'stages.data.makes: there is no value "oud". Values here: out, name.',
  ],
  ['a', () => write(undefined, { values: {} }), 'values.out: expected a text, it is missing'],
  ['a', () => write([{ ...stages()[0], maks: [] }]), 'there is no such setting. Did you mean "makes"?'],
])('refused: %s %#', async (name, change, message) => {
  change();
  await expect(readRecipe(root, name)).rejects.toThrow(message);
});

test('a file that a stage reads is missing', async () => {
  rmSync(at('data.txt'));
  await expect(run()).rejects.toThrow('data.txt: there is no such file, which stage data reads');
});

test('the table: aligned, with minutes and figures', () => {
  const rows = [
    { name: 'data', state: 'done', seconds: 6 },
    { name: 'judged', state: 'was done', seconds: 90, figures: { PSNR: 24.4321, codes: 1018 } },
    { name: 'report', state: '–' },
  ];
  expect(tableOf(rows).split('\n')).toEqual([
    'stage   state     minutes  figures',
    'data    done          0.1',
    'judged  was done      1.5  PSNR 24.43, codes 1018',
    'report  –',
  ]);
});
