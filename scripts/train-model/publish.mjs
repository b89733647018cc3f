// Copies a run's model into a folder of its own: node scripts/train-model/publish.mjs MODEL FOLDER.
import { publishModel } from '@easel/train/internals';

const [from, to] = process.argv.slice(2);
if (to === undefined) {
  console.error('node scripts/train-model/publish.mjs MODEL FOLDER');
  process.exitCode = 1;
} else await publishModel(from, to);
