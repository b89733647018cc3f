// Makes a model by a recipe, from data to judgement: npm run train-model -- NAME [options].
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { EaselError } from '@easel/core';
import { tableOf } from './train-model/figures.mjs';
import { readRecipe } from './train-model/recipe.mjs';
import { runRecipe } from './train-model/run-recipe.mjs';

const usage = `npm run train-model -- NAME [options]
  NAME             a recipe of configs/recipes, or the path of one
  --out DIR        folder of all that is made (the recipe's)
  --smoke          all stages tiny, to see that they fit together
  --from STAGE     leave the stages before it as they are
  --only STAGE     do this stage alone
  --restart STAGE  delete what this stage and those that need it made, and do them anew
  --list           print the stages and their commands, and do nothing
The same command goes on where it was stopped (Ctrl-C stops it at the next safe point). A stage that
is done with the same inputs is passed over.`;

const root = join(import.meta.dirname, '..');

/** Aborts at the first signal; a second one ends this program at once. Returns the signal's name. */
function stopOnSignal(controller) {
  let received;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(name, () => {
      if (received !== undefined) process.exit(130);
      received = name;
      controller.abort();
    });
  return () => received;
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: 'string' },
      smoke: { type: 'boolean', default: false },
      from: { type: 'string' },
      only: { type: 'string' },
      restart: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(usage);
  const [name] = positionals;
  if (positionals.length !== 1) throw new EaselError(`Expected one recipe.\n\n${usage}`);
  const out = values.out === undefined ? undefined : relative(root, values.out);
  const recipe = await readRecipe(root, name, { smoke: values.smoke, out });
  if (values.list) {
    for (const { name: stage, does, commands } of recipe.stages)
      console.log(`${stage}: ${does}\n${commands.map((words) => `  ${words.join(' ')}`).join('\n')}`);
    return;
  }
  const controller = new AbortController();
  const received = stopOnSignal(controller);
  const { from, only, restart } = values;
  const say = (text) => process.stderr.write(`${text}\n`);
  const { complete, rows } = await runRecipe(root, recipe, {
    from,
    only,
    restart,
    signal: controller.signal,
    say,
  });
  console.log(tableOf(rows));
  if (complete) return;
  say('Stopped; the same command goes on from here.');
  process.exitCode = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[received()];
}

try {
  await main();
} catch (error) {
  console.error(
    error instanceof EaselError || error.code?.startsWith('ERR_PARSE_ARGS') ? error.message : error,
  );
  process.exitCode = 1;
}
