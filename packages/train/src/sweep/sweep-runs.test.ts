import { expect, test } from '@jest/globals';
import { parseSweepConfig } from './sweep-config.js';
import { checkRuns, sweepRuns } from './sweep-runs.js';

const base = { steps: 10, optimizer: { name: 'adamw' } };
const runsOf = (json: Record<string, unknown>) => sweepRuns(parseSweepConfig({ base, ...json }), base);

test('a grid of two parameters, in the order of the file', () => {
  const runs = runsOf({ parameters: { a: { grid: [1, 2] }, 'optimizer.b': { grid: ['x', 'y', 'z'] } } });
  expect(runs.map(({ name }) => name)).toEqual(
    ['0-a=1-b=x', '0-a=1-b=y', '0-a=1-b=z', '0-a=2-b=x', '0-a=2-b=y', '0-a=2-b=z'].map(
      (n, i) => `${i}${n.slice(1)}`,
    ),
  );
  expect(runs[4]).toMatchObject({
    values: { a: 2, 'optimizer.b': 'y' },
    settings: { steps: 10, a: 2, optimizer: { name: 'adamw', b: 'y' } },
  });
  expect(base).toEqual({ steps: 10, optimizer: { name: 'adamw' } }); // not changed
});

test('variants with parameters of their own; each seed goes through everything before the next', () => {
  const runs = runsOf({
    set: { steps: 5 },
    parameters: { p: { grid: [0] } },
    variants: {
      'with q': { set: { 'optimizer.name': 'shampoo' }, parameters: { q: { grid: [7, 8] } } },
      plain: {},
    },
    seeds: [3, 4],
  });
  expect(runs.map(({ variant, values, seed }) => [variant, values, seed])).toEqual(
    [3, 4].flatMap((seed) => [
      ['with q', { p: 0, q: 7 }, seed],
      ['with q', { p: 0, q: 8 }, seed],
      ['plain', { p: 0 }, seed],
    ]),
  );
  expect(runs[0]?.settings).toEqual({ steps: 5, seed: 3, p: 0, q: 7, optimizer: { name: 'shampoo' } });
  expect(runs[2]?.settings).toEqual({ steps: 5, seed: 3, p: 0, optimizer: { name: 'adamw' } });
  expect(runs[1]?.name).toBe('1-with-q-p=0-q=8-seed=3');
});

test('draws stay within their bounds, depend on the seed alone, and go with each combination of the grids', () => {
  const json = {
    parameters: {
      rate: { logUniform: [1e-4, 1e-2] },
      share: { uniform: [-1, 3] },
      word: { random: ['p', 'q'] },
      g: { grid: [1, 2] },
    },
    runs: 200,
  };
  const runs = runsOf(json);
  expect(runs).toHaveLength(400);
  const values = (name: string) =>
    runs.filter((_, i) => i % 2 === 0).map((run) => run.values[name] as number);
  const rates = values('rate');
  expect(Math.min(...rates)).toBeGreaterThanOrEqual(1e-4);
  expect(Math.max(...rates)).toBeLessThanOrEqual(1e-2);
  // half of the draws below the geometric mean: of 200, 100 ± 4 standard deviations of 7.1
  expect(Math.abs(rates.filter((rate) => rate < 1e-3).length - 100)).toBeLessThan(28);
  expect(Math.abs(values('share').filter((share) => share < 1).length - 100)).toBeLessThan(28);
  expect(Math.abs(runs.filter((run) => run.values.word === 'p').length / 2 - 100)).toBeLessThan(28);
  for (let i = 0; i < 400; i += 2) {
    const [one, other] = [runs[i], runs[i + 1]];
    expect(one?.values).toEqual({ ...other?.values, g: 1 });
  }
  expect(runsOf(json)).toEqual(runs);
  expect(runsOf({ ...json, drawSeed: 1 })[0]?.values.rate).not.toBe(rates[0]);
  // further draws leave the earlier ones as they are
  expect(runsOf({ ...json, runs: 3 }).map((run) => run.values)).toEqual(
    runs.slice(0, 6).map((run) => run.values),
  );
});

test('no parameters: the base once, or once a seed', () => {
  expect(runsOf({}).map(({ name }) => name)).toEqual(['0']);
  expect(runsOf({ seeds: [5, 6] }).map(({ name }) => name)).toEqual(['0-seed=5', '1-seed=6']);
});

test('what does not go together is refused by name', () => {
  const refused = (json: Record<string, unknown>) => () => runsOf(json);
  expect(refused({ parameter: {} })).toThrow(/there is no such setting. Did you mean "parameters"/);
  expect(refused({ parameters: { a: { log_uniform: [1, 2] } } })).toThrow(
    /parameters.a.log_uniform.*Did you mean "logUniform"/,
  );
  expect(refused({ parameters: { a: { logUniform: [0, 2] } }, runs: 1 })).toThrow(/expected numbers above 0/);
  expect(refused({ parameters: { a: { uniform: [3, 2] } }, runs: 1 })).toThrow(
    /two numbers, the lower first/,
  );
  expect(refused({ parameters: { a: { grid: [] } } })).toThrow(
    /parameters.a.grid: expected a list of at least 1 entry/,
  );
  expect(refused({ parameters: { a: {} } })).toThrow(
    /expected one of grid, random, uniform, logUniform, got none/,
  );
  expect(refused({ parameters: { a: { grid: [1], random: [2] } } })).toThrow(/got grid and random/);
  expect(refused({ parameters: { a: { random: [1, 2] } } })).toThrow(/runs: expected the number of draws/);
  expect(refused({ parameters: { a: { grid: [1, 2] } }, runs: 2 })).toThrow(
    /runs: it is the number of draws/,
  );
  expect(refused({ parameters: { seed: { grid: [1] } } })).toThrow(/name the seeds as "seeds"/);
  expect(refused({ seeds: [1, 1] })).toThrow(/expected different ones/);
  expect(
    refused({ parameters: { a: { grid: [1] } }, variants: { v: { parameters: { a: { grid: [2] } } } } }),
  ).toThrow(/variants.v.parameters.a: it varies in all variants already/);
  expect(refused({ parameters: { 'steps.x': { grid: [1] } } })).toThrow(/'steps' is no object of settings/);
});

test('settings that are refused name their run', () => {
  const runs = runsOf({ parameters: { steps: { grid: [1, -1] } } });
  const check = () =>
    checkRuns(runs, ({ steps }) => {
      if ((steps as number) < 0) parseSweepConfig({ base, runs: -1 });
    });
  expect(check).toThrow(/^Run 1-steps=-1: sweep config: runs: expected a whole number from 1/);
});
