import type { Case, GoldenFolder, Kind } from '../kind.js';
import { inverseRootCases } from './optimizers/inverse-roots.js';
import { quantizationCase } from './optimizers/quantization.js';
import { runCase } from './optimizers/run-case.js';
import { shapesCase } from './optimizers/shampoo-shapes.js';

const TABLES = ['inverse_roots.safetensors', 'quantization.safetensors'];

/**
 * Updates of the trainer's optimizers and of optax's: parameters and state after each recorded
 * step.
 */
export const kind: Kind = {
  cases(folder: GoldenFolder): Case[] {
    const cases = folder.files
      .filter((file) => file.endsWith('.safetensors') && !TABLES.includes(file))
      .map((file) => runCase(folder, file));
    if (folder.has('inverse_roots.safetensors', 'inverse_roots.json'))
      cases.push(...inverseRootCases(folder));
    if (folder.has('quantization.safetensors')) cases.push(quantizationCase(folder));
    if (folder.has('shampoo_shapes.json')) cases.push(shapesCase(folder.file('shampoo_shapes.json')));
    return cases;
  },
};
