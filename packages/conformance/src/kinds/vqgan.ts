import type { Case, GoldenFolder, Kind } from '../kind.js';
import { activationsCase } from './vqgan/activations.js';
import { gradientsCase } from './vqgan/gradients.js';
import { outputsCase, torchOutputsCase } from './vqgan/outputs.js';
import { quantizerCases } from './vqgan/quantizers.js';
import { checkpointCase, formulaCase } from './vqgan/weights.js';

/**
 * The image tokenizer: outputs, activations, gradients, both naming schemes; taming's quantizers.
 */
export const kind: Kind = {
  cases(folder: GoldenFolder): Case[] {
    const cases: Case[] = [];
    if (folder.has('config.json')) {
      for (const file of folder.files) {
        if (/^io(_\d+)?\.safetensors$/.test(file)) cases.push(outputsCase(folder, file));
        if (/^grads(_\d+)?\.safetensors$/.test(file)) cases.push(gradientsCase(folder, file));
        if (file === 'activations.safetensors') cases.push(activationsCase(folder, file));
        if (file === 'io_torch.safetensors') cases.push(torchOutputsCase(folder, file));
        if (file === 'weights_check.safetensors') cases.push(formulaCase(folder, file));
        if (file === 'flax_model.msgpack' || file === 'taming_state_dict.safetensors') {
          cases.push(checkpointCase(folder, file));
        }
      }
    }
    cases.push(...quantizerCases(folder));
    return cases;
  },
};
