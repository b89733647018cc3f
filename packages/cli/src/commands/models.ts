import type { CachedModel } from '@easel/hub';
import { defineCommand } from '../command.js';
import { interruptible } from '../interrupt.js';
import { describePlan, fetchShown, openable } from '../named-model.js';
import { flagOption, jsonOption, quietOption } from '../options.js';
import { Progress } from '../progress.js';
import { canConfirm, confirm } from '../terminal/confirm.js';
import { UsageError } from '../usage-error.js';

const NAME = 'hf:ORG/NAME, with @REVISION and :SUBFOLDER behind it where they are needed';

/** Lays rows of text out in columns, two spaces apart. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return lines.map((line) => line.trimEnd()).join('\n');
}

export const modelsList = defineCommand({
  name: 'models list',
  description: "List the models in the hub's cache",
  positionals: {},
  options: { json: jsonOption },
  examples: [['easel models list', 'names, commits, sizes, and the form of the weights']],
  run: async ({ json }) => {
    const { formatBytes, hubPlace, listModels } = await import('@easel/hub');
    const { cache } = hubPlace();
    const models = await listModels();
    if (json) process.stdout.write(`${JSON.stringify(models)}\n`);
    else if (models.length === 0) process.stderr.write(`No models in ${cache}.\n`);
    else {
      const row = ({ repository, revisions, commit, files, bytes, form, convertedBytes }: CachedModel) => [
        ...[`hf:${repository}`, revisions.join(','), commit.slice(0, 12), `${files}`, formatBytes(bytes)],
        ...[form ?? '-', convertedBytes === 0 ? '' : formatBytes(convertedBytes)],
      ];
      const head = ['name', 'revision', 'commit', 'files', 'size', 'form', 'rewritten'];
      process.stdout.write(`${table([head, ...models.map(row)])}\n`);
    }
  },
});

export const modelsFetch = defineCommand({
  name: 'models fetch',
  usage: '<name>',
  description: "Fetch a model of Hugging Face's hub, or what is new or damaged of it",
  positionals: { name: { type: 'string', demandOption: true, describe: NAME } },
  options: {
    'dry-run': flagOption('say what would be fetched, and fetch nothing'),
    quiet: quietOption,
  },
  examples: [
    [
      'easel models fetch hf:dalle-mini/dalle-mini',
      'the model and its VQGAN, rewritten as one folder; prints it',
    ],
    ['HF_TOKEN=hf_… easel models fetch hf:me/private', 'a private one'],
  ],
  run: (args) =>
    interruptible(async (signal) => {
      const { planFetch } = await import('@easel/hub');
      const { name, quiet } = args;
      const say = (text: string) => {
        if (!quiet) process.stderr.write(`${text}\n`);
      };
      const plan = await planFetch(name, { signal, onNotice: say });
      const told = await describePlan(plan);
      if (args['dry-run']) {
        process.stdout.write(`${told}\n`);
        return;
      }
      say(told);
      const found = await fetchShown(plan, { quiet, signal });
      process.stdout.write(`${await openable(found, { quiet, signal })}\n`);
    }),
});

export const modelsVerify = defineCommand({
  name: 'models verify',
  usage: '[name]',
  description: "Compare the files in the hub's cache with the hub's digests",
  positionals: { name: { type: 'string', describe: `${NAME}; default: all` } },
  options: { json: jsonOption, quiet: quietOption },
  examples: [['easel models verify hf:dalle-mini/dalle-mini', 'names each file that is damaged or missing']],
  run: (args) =>
    interruptible(async (signal) => {
      const { verifyModels } = await import('@easel/hub');
      const progress = new Progress({
        ...{ label: 'comparing', unit: 'files', startsLate: true, quiet: args.quiet },
        afterMilliseconds: 1000,
      });
      const onFile = (done: number, total: number) => progress.update(done, { total });
      const verified = await verifyModels(args.name, { onFile, signal }).finally(() => progress.finish());
      if (args.json) process.stdout.write(`${JSON.stringify(verified)}\n`);
      for (const { repository, commit, files, unknown, faults } of args.json ? [] : verified) {
        const other = unknown.length === 0 ? '' : `, ${unknown.length} that the hub does not know`;
        const state = faults.length === 0 ? 'as the hub has them' : `${faults.length} faults`;
        process.stdout.write(`hf:${repository}@${commit.slice(0, 12)}: ${files} files${other}: ${state}\n`);
        for (const fault of faults) process.stdout.write(`  ${fault}\n`);
      }
      const damaged = verified.find(({ faults }) => faults.length > 0);
      if (damaged === undefined) return;
      process.exitCode = 1;
      process.stderr.write(
        `easel models fetch hf:${damaged.repository}@${damaged.commit} fetches them again.\n`,
      );
    }),
});

export const modelsRemove = defineCommand({
  name: 'models remove',
  usage: '<name>',
  description: "Remove a model from the hub's cache, and what was made of it",
  positionals: {
    name: { type: 'string', demandOption: true, describe: 'hf:ORG/NAME; with @REVISION: that one alone' },
  },
  options: { yes: flagOption('do not ask'), quiet: quietOption },
  examples: [['easel models remove hf:dalle-mini/dalle-mini', 'asks, and says how much room that made']],
  run: (args) =>
    interruptible(async (signal) => {
      const { formatBytes, hubPlace, removeModel } = await import('@easel/hub');
      const { cache } = hubPlace();
      if (!args.yes) {
        if (!canConfirm())
          throw new UsageError('models remove: nobody can be asked here; --yes removes without asking.');
        const question = `Remove ${args.name} from ${cache}, which other programs use, too?`;
        if (!(await confirm(question, signal))) return;
      }
      const onNotice = (text: string) => {
        if (!args.quiet) process.stderr.write(`${text}\n`);
      };
      const bytes = await removeModel(args.name, { onNotice, signal });
      process.stdout.write(`${args.name}: ${formatBytes(bytes)} removed\n`);
    }),
});
