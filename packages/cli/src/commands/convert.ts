import { backendOption, startBackend } from '../backend-option.js';
import { defineCommand } from '../command.js';
import { type ConversionTarget, conversionTargets, convertDtypes, convertModel } from '../convert-model.js';
import { interruptible } from '../interrupt.js';
import { flagOption, jsonOption, quietOption, textOption } from '../options.js';
import { prepareOutputFolder } from '../output-folder.js';
import { Progress } from '../progress.js';
import type { OutputDifference } from '../verify-conversion.js';

/** How far outputs before and after are apart, in words. */
function describeOutputs({ difference, largest }: OutputDifference): string {
  if (difference === 0) return 'outputs equal';
  return `outputs differ by at most ${difference.toPrecision(3)} (largest ${largest.toPrecision(3)})`;
}

export const convert = defineCommand({
  name: 'convert',
  usage: '<in> <out>',
  description:
    'Rewrite a text model, VQGAN or CLIP of Flax, PyTorch or Easel as an Easel or Flax model folder',
  positionals: {
    in: {
      type: 'string',
      demandOption: true,
      describe:
        'model folder, or checkpoint (.msgpack, .safetensors, .ckpt, .pt, a sharded index) with config.json beside it',
    },
    out: {
      type: 'string',
      demandOption: true,
      describe: 'folder for config.json, the weights and the tokenizer',
    },
  },
  options: {
    dtype: textOption('dtype', 'storage of the weights', {
      choices: Object.keys(convertDtypes),
      default: 'f32',
    }),
    to: textOption('to', 'easel: model.safetensors; flax: flax_model.msgpack, for the original programs', {
      choices: conversionTargets,
      default: 'easel',
    }),
    stacked: {
      type: 'boolean',
      describe:
        'with --to flax: layers stacked in one tensor each; --no-stacked: apart; default: as config.json has use_scan',
    } as const,
    verify: flagOption('compute a fixed input before and after, and print the largest difference'),
    backend: backendOption,
    config: textOption('config', 'config.json that is elsewhere or has another name'),
    vqgan: textOption('vqgan', 'VQGAN to convert into <out>/vqgan; default: the one in <in>/vqgan, if any'),
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
  ],
  run: (args) =>
    interruptible(async (signal) => {
      await prepareOutputFolder(args.out);
      if (args.verify) await startBackend(args);
      let progress: Progress | undefined;
      const converted = await convertModel(args.in, args.out, {
        dtype: (args.dtype ?? 'f32') as keyof typeof convertDtypes,
        config: args.config,
        vqgan: args.vqgan,
        to: (args.to ?? 'easel') as ConversionTarget,
        stacked: args.stacked,
        verify: args.verify,
        signal,
        onWeight: (name, done, total) => {
          progress ??= new Progress({ label: 'converting', total, unit: 'tensors', quiet: args.quiet });
          progress.update(done, { total, note: name });
        },
      });
      progress?.finish();
      const lines = converted.map(({ folder, kind, tensors, bytes, outputs }) => {
        const what = { text: 'text model', vqgan: 'VQGAN', clip: 'CLIP' }[kind];
        const size = `${(bytes / 2 ** 20).toFixed(1)} MiB`;
        const verified = outputs === undefined ? '' : `, ${describeOutputs(outputs)}`;
        return `${folder}: ${what}, ${tensors} tensors, ${size}${verified}`;
      });
      process.stdout.write(`${args.json ? JSON.stringify(converted) : lines.join('\n')}\n`);
    }),
});
