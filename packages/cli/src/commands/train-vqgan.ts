import { parseVqganTrainingConfig, trainVqgan as trainVqganModel } from '@easel/train';
import { trainingCommand } from '../training-command.js';

export const trainVqgan = trainingCommand({
  name: 'train-vqgan',
  description: 'Train the image tokenizer, from pictures alone',
  samples: 'pictures',
  examples: [
    [
      'easel train-vqgan configs/train/emoji-vqgan.json --out runs/vqgan',
      'train; runs/vqgan/model then encodes pictures',
    ],
    ['easel train-vqgan configs/train/emoji-vqgan.json --out runs/vqgan --set steps=500', 'a shorter run'],
  ],
  parse: parseVqganTrainingConfig,
  train: trainVqganModel,
});
