import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Command, defineCommand } from './command.js';
import { runCommandLine } from './command-line.js';
import { flagOption, integerOption, numberOption, requiredText, textOption } from './options.js';

const seen: unknown[] = [];
const draw = defineCommand({
  name: 'draw',
  usage: '[prompt..]',
  description: 'Draw things',
  positionals: { prompt: { type: 'string', array: true, default: [] as string[], describe: 'what' } },
  options: {
    out: textOption('out', 'folder', { default: 'out' }),
    seed: integerOption('seed', 'seed', { min: 0, default: 0 }),
    'top-p': numberOption('top-p', 'share', { min: 0, max: 1 }),
    kind: textOption('kind', 'kind', { choices: ['png', 'jpeg'] }),
    grid: flagOption('sheet'),
  },
  examples: [['easel draw "a heart"', 'a heart']],
  run: async (args) => {
    seen.push([args.prompt, args.out, args.seed, args['top-p'], args.grid]);
  },
});
const learn = defineCommand({
  name: 'tokens learn',
  usage: '<source>',
  description: 'Learn tokens',
  positionals: { source: { type: 'string', demandOption: true, describe: 'captions' } },
  options: { out: requiredText('out', 'folder') },
  examples: [['easel tokens learn x --out y', 'learn']],
  run: async ({ source, out }) => {
    seen.push([source, out]);
  },
});
const commands: readonly Command[] = [draw, learn];
const run = (...argv: string[]) => runCommandLine(commands, argv);

let printed = '';
beforeEach(() => {
  seen.length = 0;
  printed = '';
  jest.spyOn(console, 'log').mockImplementation((text: unknown) => {
    printed += `${text}\n`;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('a command line that is understood', () => {
  test('defaults, numbers, switches', async () => {
    await run('draw', 'a heart');
    await run('draw', 'a', 'b', '--seed', '7', '--top-p=0.5', '--grid');
    expect(seen).toEqual([
      [['a heart'], 'out', 0, undefined, false],
      [['a', 'b'], 'out', 7, 0.5, true],
    ]);
  });

  test('a prompt of digits stays text, one that begins with a hyphen follows --', async () => {
    await run('draw', '0042', '--', '-5 degrees', '--seed');
    expect(seen).toEqual([[['0042', '-5 degrees', '--seed'], 'out', 0, undefined, false]]);
  });

  test('a command of a group', async () => {
    await run('tokens', 'learn', 'captions.txt', '--out', 'x');
    expect(seen).toEqual([['captions.txt', 'x']]);
  });

  test('--help of all, of a command with its example, of a group; --version', async () => {
    await run('--help');
    expect(printed).toMatch(/easel draw \[prompt\.\.\]\s+Draw things/);
    printed = '';
    await run('draw', '--help');
    expect(printed).toContain('easel draw "a heart"');
    expect(printed).toMatch(/--seed\s+seed.*default: 0/);
    printed = '';
    await run('tokens', '--help');
    expect(printed).toContain('easel tokens learn <source>');
    printed = '';
    await run('--version');
    expect(printed).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(seen).toEqual([]);
  });
});

describe('a command line that is not', () => {
  test.each([
    [[], 'no command given. See easel --help.'],
    [['drwa', 'x'], 'there is no command "drwa". Did you mean easel draw? See easel --help.'],
    [['zzzzzz'], 'there is no command "zzzzzz". See easel --help.'],
    [['tokens', 'lern'], 'easel tokens has no command "lern"; there is: easel tokens learn.'],
    [['tokens'], 'easel tokens needs another word; there is: easel tokens learn.'],
    [['draw', 'x', '--sed', '3'], 'unknown option --sed. Did you mean --seed? See easel draw --help.'],
    [['draw', 'x', '--topp=0.1'], 'unknown option --topp. Did you mean --top-p? See easel draw --help.'],
    [
      ['draw', 'x', '--quality', '3', '--sead', '4'],
      'unknown option --quality. unknown option --sead. Did you mean --seed?',
    ],
    [['draw', 'x', '-q'], 'unknown option -q.'],
    [['draw', 'x', '--seed'], 'Not enough arguments following: seed'],
    [['draw', 'x', '--seed', '-1'], '--seed: expected a whole number from 0, got -1.'],
    [['draw', 'x', '--seed', '1', '--seed', '2'], '--seed was given 2 times'],
    [
      ['draw', 'x', '--kind', 'gif'],
      'Invalid values: Argument: kind, Given: "gif", Choices: "png", "jpeg". See',
    ],
    [['tokens', 'learn', 'x'], 'Missing required argument: out. See easel tokens learn --help.'],
    [['tokens', 'learn', '--out', 'y'], 'Not enough non-option arguments: got 0, need at least 1. See'],
    [['tokens', 'learn', 'x', '--out', 'y', '--', 'z'], 'unexpected argument "z".'],
    [['tokens', 'learn', 'x', 'extra', '--out', 'y'], 'unexpected argument "extra".'],
  ])('%j', async (argv, message) => {
    const error = await run(...argv).then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(error).toHaveProperty('name', 'UsageError');
    expect((error as Error).message).toContain(message);
    expect(seen).toEqual([]);
  });
});

test("a command's own error passes through", async () => {
  const failing = defineCommand({
    ...learn,
    name: 'fail',
    usage: '',
    positionals: {},
    options: {},
    run: async () => {
      throw new RangeError('mine');
    },
  });
  await expect(runCommandLine([failing], ['fail'])).rejects.toThrow(RangeError);
});
