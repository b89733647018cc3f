import { defineCommand } from '../command.js';
import { convertDtypes, convertModel } from '../convert-model.js';
import { interruptible } from '../interrupt.js';
import { jsonOption, quietOption, textOption } from '../options.js';
import { prepareOutputFolder } from '../output-folder.js';
import { Progress } from '../progress.js';

export const convert = defineCommand({
  name: 'convert',
  usage: '<in> <out>',
  description: 'Rewrite a model of Flax, PyTorch (taming, min-dalle) or Easel as an Easel model folder',
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
      describe: 'folder for config.json, model.safetensors and the tokenizer',
    },
  },
  options: {
    dtype: textOption('dtype', 'storage of the weights', {
      choices: Object.keys(convertDtypes),
      default: 'f32',
    }),
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
    ['easel convert last.ckpt models/vqgan --config taming.json', 'a VQGAN of taming-transformers'],
  ],
  run: (args) =>
    interruptible(async (signal) => {
      await prepareOutputFolder(args.out);
      let progress: Progress | undefined;
      const converted = await convertModel(args.in, args.out, {
        dtype: (args.dtype ?? 'f32') as keyof typeof convertDtypes,
        config: args.config,
        vqgan: args.vqgan,
        signal,
        onWeight: (name, done, total) => {
          progress ??= new Progress({ label: 'converting', total, unit: 'tensors', quiet: args.quiet });
          progress.update(done, { total, note: name });
        },
      });
      progress?.finish();
      const lines = converted.map(({ folder, kind, tensors, bytes }) => {
        const what = kind === 'text' ? 'text model' : 'VQGAN';
        return `${folder}: ${what}, ${tensors} tensors, ${(bytes / 2 ** 20).toFixed(1)} MiB`;
      });
      process.stdout.write(`${args.json ? JSON.stringify(converted) : lines.join('\n')}\n`);
    }),
});
