import { modelOfRun } from '@easel/train';
import { backendOption, startBackend } from '../backend-option.js';
import { defineCommand } from '../command.js';
import type { OutputDifference } from '../conversion/compare-outputs.js';
import {
  CONVERSION_TARGETS,
  type ConversionTarget,
  convertDtypes,
  convertModel,
} from '../conversion/convert-model.js';
import { interruptible } from '../interrupt.js';
import { flagOption, jsonOption, quietOption, textOption } from '../options.js';
import { prepareOutputFolder } from '../output-folder.js';
import { Progress } from '../progress.js';
import { UsageError } from '../usage-error.js';

/** Describes the difference of the outputs before and after. */
function describeOutputs({ difference, largest }: OutputDifference): string {
  if (difference === 0) return 'outputs equal';
  return `outputs differ by at most ${difference.toPrecision(3)} (largest ${largest.toPrecision(3)})`;
}

const UNITS: Readonly<Record<string, number>> = {
  ...{ B: 1, KB: 1e3, MB: 1e6, GB: 1e9 },
  ...{ KIB: 2 ** 10, MIB: 2 ** 20, GIB: 2 ** 30 },
};

/**
 * Parses a size such as `2GB` (1e9 bytes each) or `500MiB` (2^20 bytes each). Returns undefined if
 * none was given. Throws UsageError for any other text.
 */
function bytesOf(size: string | undefined): number | undefined {
  if (size === undefined) return undefined;
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([KMG]i?B|B)$/i.exec(size) ?? [];
  const bytes = Math.floor(Number(number) * (UNITS[unit.toUpperCase()] ?? Number.NaN));
  if (number !== '' && bytes >= 1) return bytes;
  throw new UsageError(`--shard-size: expected a size as 500MB or 2GB, got "${size}".`);
}

export const convert = defineCommand({
  name: 'convert',
  usage: '<in> <out>',
  description:
    'Rewrite DALL·E mini, a VQGAN, a CLIP or LPIPS, of Flax, PyTorch or Easel, as an Easel or Flax model folder',
  positionals: {
    in: {
      type: 'string',
      demandOption: true,
      describe:
        'model folder, or checkpoint (.msgpack, .safetensors, .ckpt, .pt, .pth, .bin, an index of parts) with config.json beside it',
    },
    out: {
      type: 'string',
      demandOption: true,
      describe: 'folder for config.json, the weights and the tokenizer',
    },
  },
  options: {
    dtype: textOption(
      'dtype',
      'storage of the weights; keep: as each is stored now; int8, int4, int4-64: the matrices of a text model in 8 or 4 bits (a scale for each output channel; for 32 or 64 numbers), its VQGAN in f16',
      {
        choices: Object.keys(convertDtypes),
        default: 'keep',
      },
    ),
    to: textOption('to', 'easel: model.safetensors; flax: flax_model.msgpack, for the original programs', {
      choices: CONVERSION_TARGETS,
      default: 'easel',
    }),
    stacked: {
      type: 'boolean',
      describe:
        'with --to flax: layers stacked in one tensor each; --no-stacked: apart; default: as config.json has use_scan',
    } as const,
    'shard-size': textOption(
      'shard-size',
      'most bytes of weights in a file, as 500MB or 2GB: more go into several files and an index; default: one file',
    ),
    verify: flagOption('compute a fixed input before and after, and print the largest difference'),
    backend: backendOption,
    config: textOption('config', 'config.json that is elsewhere or has another name'),
    vqgan: textOption('vqgan', 'VQGAN to convert into <out>/vqgan; default: the one in <in>/vqgan, if any'),
    lpips: textOption('lpips', "LPIPS' own weights (vgg.pth), where <in> is VGG16 of torchvision"),
    json: jsonOption,
    quiet: quietOption,
  },
  examples: [
    [
      'easel convert dalle-mini models/dalle-mini --vqgan vqgan_imagenet_f16_16384 --dtype f16',
      'a folder that easel generate --model reads',
    ],
    [
      'easel convert models/dalle-mini flax --to flax --verify',
      'back to the form of the original programs, checked',
    ],
    ['easel convert last.ckpt models/vqgan --config taming.json', 'a VQGAN of taming-transformers'],
    ['easel convert clip-vit-base-patch32 models/clip --dtype f16', 'a CLIP of transformers'],
    [
      'easel convert vgg16-397923af.pth models/lpips --lpips vgg.pth',
      'LPIPS, for perceptual.files of easel train-vqgan',
    ],
  ],
  run: (args) =>
    interruptible(async (signal) => {
      const maxShardBytes = bytesOf(args['shard-size']);
      if (args.stacked !== undefined && args.to !== 'flax')
        throw new UsageError('--stacked and --no-stacked go with --to flax: Easel keeps layers apart.');
      await prepareOutputFolder(args.out);
      if (args.verify) await startBackend(args);
      const bar = () => new Progress({ label: 'converting', unit: 'tensors', quiet: args.quiet });
      let progress = bar();
      const converted = await convertModel(modelOfRun(args.in), args.out, {
        dtype: (args.dtype ?? 'keep') as keyof typeof convertDtypes,
        config: args.config,
        vqgan: args.vqgan,
        lpips: args.lpips,
        to: (args.to ?? 'easel') as ConversionTarget,
        stacked: args.stacked,
        maxShardBytes,
        verify: args.verify,
        signal,
        onWeight: (name, done, total, share) => {
          progress.update(done, { total, note: name, share });
          if (done < total) return;
          progress.finish();
          progress = bar(); // the VQGAN may follow
        },
      });
      const lines = converted.flatMap(({ folder, description, tensors, bytes, outputs, leftOut }) => {
        const size = `${(bytes / 2 ** 20).toFixed(1)} MiB`;
        const verified = outputs === undefined ? '' : `, ${describeOutputs(outputs)}`;
        const others = Object.entries(leftOut).map(([name, reason]) => `  left out: ${name}: ${reason}`);
        return [`${folder}: ${description}, ${tensors} tensors, ${size}${verified}`, ...others];
      });
      process.stdout.write(`${args.json ? JSON.stringify(converted) : lines.join('\n')}\n`);
    }),
});
