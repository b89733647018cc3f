import type { Case, GoldenFolder, Kind } from '../kind.js';
import { modelCase } from './clip/model-case.js';
import { processorCases } from './clip/processor-cases.js';
import { resizeCase } from './clip/resize-case.js';

/** Files of a model's weights, under Flax's and PyTorch's names. */
const WEIGHTS = ['flax_model.msgpack', 'model.safetensors'] as const;

/** CLIP: both towers, the image processor, and the resizing that it goes through. */
export const kind: Kind = {
  cases(folder: GoldenFolder): Case[] {
    const cases: Case[] = [];
    if (folder.has('config.json', 'io.safetensors')) {
      for (const file of WEIGHTS) if (folder.has(file)) cases.push(modelCase(folder, file));
    }
    if (folder.has('processor.safetensors')) cases.push(...processorCases(folder));
    if (folder.has('pil_resize.safetensors')) cases.push(resizeCase(folder.file('pil_resize.safetensors')));
    return cases;
  },
};
