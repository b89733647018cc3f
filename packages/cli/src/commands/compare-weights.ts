import { WEIGHT_STORAGES, type WeightStorage } from '@easel/core';
import { didYouMean } from '@easel/core/internals';
import { openPictureModel } from '@easel/draw/node';
import { compareWeights, openJudgedPrompts, type WeightComparison } from '@easel/train';
import { backendOption, startBackend } from '../backend-option.js';
import { defineCommand } from '../command.js';
import { interruptible } from '../interrupt.js';
import { locateModel } from '../named-model.js';
import { integerOption, jsonOption, quietOption, textOption } from '../options.js';
import { Progress } from '../progress.js';
import { UsageError } from '../usage-error.js';

/** The ways to hold weights in a list such as `f16,int8`. Throws UsageError for an unknown one. */
function storagesOf(list: string): WeightStorage[] {
  return list.split(',').map((name) => {
    const found = WEIGHT_STORAGES.find((storage) => storage === name.trim());
    if (found !== undefined) return found;
    throw new UsageError(
      `--weights: expected some of ${WEIGHT_STORAGES.join(', ')}, with commas between them, got "${name}".${didYouMean(name, WEIGHT_STORAGES)}`,
    );
  });
}

const percent = (value: number) => `${value.toFixed(1)} %`;

/** The comparisons as a table in Markdown. */
function tableOf(comparisons: readonly WeightComparison[]): string {
  const head = [
    'weights',
    'same tokens drawn',
    'same likeliest token',
    'mean logit error',
    'largest',
    'nearest / among five',
    'VQGAN',
  ];
  const rows = comparisons.map((one) => [
    one.weights,
    percent(one.sameTokens),
    percent(one.sameLikeliest),
    one.meanLogitError.toPrecision(2),
    one.largestLogitError.toPrecision(2),
    `${percent(one.top1)} / ${percent(one.top5)}`,
    Number.isFinite(one.psnr) ? `${one.psnr.toFixed(1)} dB` : 'equal',
  ]);
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

export const compareWeightsCommand = defineCommand({
  name: 'compare-weights',
  usage: '<prompts>',
  description: 'Say what weights of fewer bytes cost: tokens, logits, drawings and pictures beside float32',
  positionals: {
    prompts: {
      type: 'string',
      demandOption: true,
      describe: 'a file of judged prompts, or a folder of pictures with one (prompts.json)',
    },
  },
  options: {
    model: textOption(
      'model',
      'model folder, run, or hf:ORG/NAME; default: EASEL_MODEL, else the shipped model',
    ),
    weights: textOption('weights', 'ways to hold the weights, with commas between them', {
      default: 'f16,bf16,int8,int4,int4-64',
    }),
    list: textOption('list', 'list of the judged prompts; default: the first'),
    count: integerOption('count', 'so many prompts, from the first on', { min: 1, default: 120 }),
    seed: integerOption('seed', 'seed of the drawings', { min: 0, default: 0 }),
    backend: backendOption,
    json: jsonOption,
    quiet: quietOption,
  },
  examples: [
    ['easel compare-weights data/emoji/pictures', 'a table for the shipped model'],
    [
      'easel compare-weights data/emoji/pictures --list unseen --weights int8',
      'on captions that it never saw',
    ],
  ],
  run: (args) =>
    interruptible(async (signal) => {
      const storages = storagesOf(args.weights ?? '');
      const { folder } = await locateModel(args.model, { signal, quiet: args.quiet });
      const judged = await openJudgedPrompts(args.prompts, {
        list: args.list ?? null,
        count: args.count ?? 120,
      });
      await startBackend(args);
      const progress = new Progress({ label: 'comparing', unit: 'models', quiet: args.quiet });
      let done = 0;
      const comparisons = await compareWeights(
        (weights) => openPictureModel(folder, { weights, signal }),
        judged,
        storages,
        {
          perPrompt: 1,
          seed: args.seed ?? 0,
          signal,
          onStep: (note) => progress.update(done++, { total: storages.length + 1, note }),
        },
      );
      progress.finish();
      process.stdout.write(`${args.json ? JSON.stringify(comparisons) : tableOf(comparisons)}\n`);
    }),
});
