import { parseVqganTrainingConfig, planVqgan, trainVqgan as trainVqganModel } from '@easel/train';
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
    [
      'easel train-vqgan configs/train/emoji-vqgan-adversarial.json --out runs/vqgan --set adversarial.startStep=3000',
      'with a discriminator from step 3000 on: sharper pictures',
    ],
    [
      `easel train-vqgan configs/train/emoji-vqgan.json --out runs/vqgan --set perceptual.kind=lpips --set 'perceptual.files=["models/lpips"]'`,
      'judge pictures by LPIPS (its weights: see easel convert); by default perceptual.kind is "pyramid", differences at several scales and of edges, which needs no file',
    ],
  ],
  parse: parseVqganTrainingConfig,
  train: trainVqganModel,
  plan: planVqgan,
});
