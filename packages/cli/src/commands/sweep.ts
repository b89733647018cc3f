import {
  drawingKind,
  parseSweepConfig,
  planSweep,
  runSweep,
  type SweepEvent,
  type SweepResult,
  seq2seqKind,
  tableText,
  vqganKind,
  writeSweepReport,
} from '@easel/train';
import { backendOption, startBackend } from '../backend-option.js';
import { defineCommand } from '../command.js';
import { readConfig } from '../config-option.js';
import { interruptedExitCode, interruptible } from '../interrupt.js';
import { flagOption, jsonOption, listOption, quietOption, textOption } from '../options.js';
import { prepareOutputFolder } from '../output-folder.js';
import { Progress } from '../progress.js';
import { UsageError } from '../usage-error.js';

const kinds = [seq2seqKind, vqganKind, drawingKind];

/** Shows a sweep's events: one bar over all runs, and a line for each run that ends. */
function showEvents(
  unit: string,
  quiet: boolean,
): { onEvent: (event: SweepEvent) => void; finish: () => void } {
  const progress = new Progress({ label: 'sweep', unit, startsLate: true, quiet });
  const onEvent = (event: SweepEvent) => {
    if (event.kind === 'progress') {
      const { index, runs, name, done, total, note } = event;
      progress.update(done, { total, note: `run ${index + 1}/${runs} ${name}  ${note}` });
      return;
    }
    const { index, runs, record } = event;
    const end =
      record.status === 'failed' ? `failed: ${record.failure}` : String(record.value?.toPrecision(5));
    progress.log(`run ${index + 1}/${runs} ${record.name}: ${end}`);
  };
  return { onEvent, finish: () => progress.finish() };
}

export const sweep = defineCommand({
  name: 'sweep',
  usage: '<config>',
  description: 'Repeat a training run with other settings and compare: grids, random draws, variants',
  positionals: {
    config: {
      type: 'string',
      demandOption: true,
      describe: 'JSON file of a sweep; examples are in configs/experiments',
    },
  },
  options: {
    out: textOption(
      'out',
      'folder of the sweep: runs, results.json, results.csv, report.html (needed unless --dry-run)',
    ),
    set: listOption(
      'override a setting of the sweep, e.g. --set runs=20 --set base=configs/train/emoji-seq2seq.json',
    ),
    resume: flagOption('go on at the run that was not finished, or begin if there is none'),
    'dry-run': flagOption('check the settings of every run, list them, and stop'),
    backend: backendOption,
    json: jsonOption,
    quiet: quietOption,
  },
  examples: [
    [
      'easel sweep configs/experiments/optimizers.json --out runs/optimizers',
      'make all runs; table on stdout, plots in report.html',
    ],
    [
      'easel sweep configs/experiments/optimizers.json --out runs/optimizers --resume',
      'go on after an interruption; finished runs stay',
    ],
    ['easel sweep configs/experiments/variants.json --dry-run', 'list the runs'],
  ],
  run: (args) =>
    interruptible(async (signal) => {
      const config = parseSweepConfig(await readConfig(args.config, args.set), args.config);
      const planned = await planSweep(config, kinds);
      if (args['dry-run']) {
        const list = planned.runs.map(({ name }, i) => `${name}\t${planned.units[i]} ${planned.kind.unit}\n`);
        process.stdout.write(args.json ? `${JSON.stringify(planned.runs)}\n` : list.join(''));
        return;
      }
      const { out } = args;
      if (out === undefined)
        throw new UsageError('expected --out DIR, the folder of the sweep. See easel sweep --help.');
      await prepareOutputFolder(out);
      await startBackend(args);
      const { onEvent, finish } = showEvents(planned.kind.unit, args.quiet);
      let result: SweepResult;
      try {
        result = await runSweep(planned, { out, resume: args.resume, signal, onEvent });
      } finally {
        finish();
      }
      const report = await writeSweepReport(out, config, result.records);
      if (!result.complete) {
        process.exitCode = interruptedExitCode();
        const done = result.records.filter(({ status }) => status !== 'waiting').length;
        process.stderr.write(
          `Stopped: ${done} of ${result.records.length} runs are finished; go on with --resume.\n`,
        );
      }
      if (args.json) process.stdout.write(`${JSON.stringify(result)}\n`);
      else process.stdout.write(`${tableText(config, result.settings)}${report}\n`);
    }),
});
