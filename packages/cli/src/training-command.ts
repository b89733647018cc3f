import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '@easel/core';
import { withAssignments } from '@easel/core/config';
import { writeFileAtomic } from '@easel/core/internals/node';
import { encodePng } from '@easel/draw';
import {
  describeFailures,
  modelOfRun,
  OtherSettingsError,
  type PlanOptions,
  type TrainingEvent,
  type TrainingOptions,
  type TrainingResult,
} from '@easel/train';
import { differences, measureRanks, Ranks } from '@easel/train/internals';
import { amongRanks } from './among-ranks.js';
import { backendOption, startBackend } from './backend-option.js';
import { type Command, defineCommand } from './command.js';
import { readConfig } from './config-option.js';
import { interruptedExitCode, interruptible } from './interrupt.js';
import { LoadingBars } from './loading.js';
import { flagOption, jsonOption, listOption, quietOption, requiredText, textOption } from './options.js';
import { prepareOutputFolder } from './output-folder.js';
import { Progress } from './progress.js';
import { type AnyPlan, formatLength, formatPlan, planAsJson } from './training-plan.js';
import { UsageError } from './usage-error.js';

/**
 * Below this share of the time in computation the progress line says that the training waits for
 * its data.
 */
const LEAST_COMPUTE_SHARE = 0.97;

/** A kind of training for the command line. */
interface TrainingKind<Config> {
  readonly name: string;
  readonly description: string;
  /** Plural name of a step's samples, e.g. `pictures`. */
  readonly samples: string;
  readonly examples: Command['examples'];
  readonly parse: (json: unknown, file: string) => Config;
  readonly train: (config: Config, options: TrainingOptions) => Promise<TrainingResult>;
  /** Plans a run without starting it. */
  readonly plan: (config: Config, options: PlanOptions) => Promise<AnyPlan>;
}

/** Writes numbers by name as `loss 0.123  psnr 21.9`. */
function formatNumbers(numbers: Readonly<Record<string, number>>): string {
  return Object.entries(numbers)
    .map(([name, value]) => `${name} ${Number.isInteger(value) ? value : value.toPrecision(4)}`)
    .join('  ');
}

/**
 * Shows a run's events: steps on the progress bar, evaluations and checkpoints as lines above it.
 */
function showEvents(
  quiet: boolean,
  samples: string,
): { onEvent: (event: TrainingEvent) => void; finish: () => void } {
  const progress = new Progress({ label: 'training', unit: 'steps', startsLate: true, quiet });
  const loading = new LoadingBars(quiet);
  const onEvent = (event: TrainingEvent) => {
    if (event.kind === 'step') {
      const {
        step,
        steps,
        epoch,
        loss,
        samplesPerSecond,
        tokensPerSecond,
        peakShare,
        computeShare,
        memoryBytes,
      } = event;
      const rates = [`${samplesPerSecond.toPrecision(3)} ${samples}/s`];
      if (tokensPerSecond !== undefined) rates.push(`${Math.round(tokensPerSecond)} tokens/s`);
      if (peakShare !== undefined) rates.push(`${(100 * peakShare).toFixed(0)} % of peak`);
      if (computeShare !== undefined && computeShare < LEAST_COMPUTE_SHARE)
        rates.push(`${(100 * (1 - computeShare)).toFixed(0)} % of the time for data`);
      const memory = `${(memoryBytes / 2 ** 30).toFixed(1)} GiB`;
      const note = [`loss ${loss.toPrecision(4)}`, `epoch ${epoch}`, ...rates, memory].join('  ');
      progress.update(step, { total: steps, note });
      return;
    }
    if (event.kind === 'loading') {
      loading.update(event);
      return;
    }
    if (event.kind === 'pictures') {
      const { training, failures, log } = event;
      const why = describeFailures(failures);
      const left = why === '' ? 'none left out' : `left out: ${why}; named in ${log}`;
      progress.log(`${training.toLocaleString('en')} pictures to train on, ${left}`);
      return;
    }
    const lines =
      event.kind === 'length'
        ? [formatLength(event)]
        : event.kind === 'data'
          ? [`${event.path}: of ${event.rows} rows left out: ${describeFailures(event.leftOut)}`]
          : event.kind === 'checkpoint'
            ? [`step ${event.step}: checkpoint ${event.path}`]
            : Object.entries(event.splits).map(
                ([split, numbers]) => `step ${event.step}: ${split}  ${formatNumbers(numbers)}`,
              );
    for (const line of lines) progress.log(line);
  };
  const finish = () => {
    loading.finish();
    progress.finish();
  };
  return { onEvent, finish };
}

/** Prints the plan of a run. If a file is named, it writes the first batch as pictures. */
async function printPlan(plan: AnyPlan, pictureFile: string | undefined, json: boolean): Promise<void> {
  if (pictureFile !== undefined) {
    const { picture } = plan.batch;
    if (picture === undefined)
      throw new ConfigError(
        '--batch-picture: the run has no VQGAN that could draw its tokens. Name one: --set vqgan=FOLDER.',
      );
    await writeFileAtomic(pictureFile, await encodePng(picture));
  }
  process.stdout.write(`${json ? planAsJson(plan, pictureFile) : formatPlan(plan, pictureFile)}\n`);
}

/** A config that begins with a model: without what the model has itself. */
export function withInit(config: Readonly<Record<string, unknown>>, init: string): Record<string, unknown> {
  const hasVqgan = existsSync(join(modelOfRun(init), 'vqgan', 'config.json'));
  const own = ['model', 'tokenizer', ...(hasVqgan ? ['vqgan'] : [])];
  return { ...Object.fromEntries(Object.entries(config).filter(([name]) => !own.includes(name))), init };
}

/**
 * The command line that begins a new run from a run's model, with the settings that were asked for.
 */
function newRun(
  command: string,
  run: string,
  { config, set }: { readonly config: string; readonly set: readonly string[] },
): string {
  const words = ['easel', command, config, '--init', run, '--out', `${run.replace(/\/+$/, '')}-2`];
  return [...words, ...set.flatMap((assignment) => ['--set', assignment])].map(quoted).join(' ');
}

/** A word as a shell reads it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** What the command line gives of a run's settings. */
interface GivenSettings {
  readonly config: string;
  readonly init?: string | undefined;
  readonly set: readonly string[];
}

/**
 * The settings of a run: those of rank 0's config file and command line. Another rank's machine need
 * not have the file; if it has one with other content, or was started with other words, this throws
 * EaselError that names the differences.
 */
async function sharedSettings({ config, init, set }: GivenSettings, ranks: Ranks): Promise<unknown> {
  const isThere = ranks.rank === 0 || existsSync(config);
  const given = isThere ? await readConfig(config, []) : null;
  await ranks.requireSame({ given, words: { '--init': init ?? null, '--set': set } }, (first, other) => [
    ...differences(first.words, other.words),
    ...(other.given === null ? [] : differences(first.given as Record<string, unknown>, other.given)),
  ]);
  const begun = given === null ? {} : init === undefined ? given : withInit(given, init);
  return ranks.lead(withAssignments(begun, set));
}

/** Makes the command of a kind of training. It takes a config file, overrides and a run folder. */
export function trainingCommand<Config>(kind: TrainingKind<Config>): Command {
  return defineCommand({
    name: kind.name,
    usage: '<config>',
    description: kind.description,
    positionals: {
      config: {
        type: 'string',
        demandOption: true,
        describe: 'JSON file of settings; those of configs/train come with Easel',
      },
    },
    options: {
      out: requiredText('out', 'run folder: settings, metrics, checkpoints, and the model in out/model'),
      init: textOption(
        'init',
        'model folder, or run, to go on from in place of fresh weights; its own tokenizer and VQGAN are taken',
      ),
      set: listOption('override a setting, e.g. --set steps=2000 --set optimizer.beta2=0.95'),
      resume: flagOption('go on from the newest checkpoint in the run folder, or begin if there is none'),
      'dry-run': flagOption(
        'check settings and data, print what the run will need and its first batch, and stop',
      ),
      'batch-picture': textOption(
        'batch-picture',
        'with --dry-run: write the first batch as pictures into this PNG',
      ),
      backend: backendOption,
      json: jsonOption,
      quiet: quietOption,
    },
    examples: kind.examples,
    run: (given) =>
      amongRanks((communicator) => {
        const ranks = new Ranks(communicator);
        const leads = ranks.rank === 0;
        const args = leads ? given : { ...given, quiet: true };
        const work = async (signal: AbortSignal) => {
          const config = kind.parse(await sharedSettings(args, ranks), args.config);
          const picture = args['batch-picture'];
          if (picture !== undefined && !args['dry-run'])
            throw new UsageError('--batch-picture goes with --dry-run.');
          if (args['dry-run']) {
            const shared = await measureRanks(ranks);
            if (!leads) return;
            await startBackend(args);
            const loading = new LoadingBars(args.quiet);
            const onEvent = loading.update.bind(loading);
            const plan = await kind
              .plan(config, { signal, onEvent, ranks: shared })
              .finally(() => loading.finish());
            await printPlan(plan, picture, args.json);
            return;
          }
          if (leads) await prepareOutputFolder(args.out);
          if (!args.quiet) process.stderr.write(`Settings: ${JSON.stringify(config)}\n`);
          await startBackend(args);
          const { onEvent, finish } = showEvents(args.quiet, kind.samples);
          let result: TrainingResult;
          try {
            result = await kind.train(config, {
              out: args.out,
              resume: args.resume,
              signal,
              onEvent,
              communicator,
            });
          } catch (error) {
            if (!(error instanceof OtherSettingsError)) throw error;
            throw new ConfigError(`${error.message} The command is: ${newRun(kind.name, error.run, args)}`);
          } finally {
            finish();
          }
          if (!leads) return;
          if (!result.complete) {
            process.exitCode = interruptedExitCode();
            process.stderr.write(`Stopped after step ${result.step}; go on with --resume.\n`);
          }
          process.stdout.write(args.json ? `${JSON.stringify(result)}\n` : `${result.model}\n`);
        };
        return interruptible(work, leads ? {} : { message: null });
      }),
  });
}
