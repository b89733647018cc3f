import { parseSeq2SeqConfig, planSeq2Seq, trainSeq2Seq } from '@easel/train';
import { trainingCommand } from '../training-command.js';

export const train = trainingCommand({
  name: 'train',
  description: 'Train the model that turns text into image tokens',
  samples: 'rows',
  examples: [
    [
      'easel train configs/train/emoji-seq2seq.json --out runs/emoji',
      'train; runs/emoji/model then draws with easel generate --model',
    ],
    [
      'easel train configs/train/emoji-seq2seq.json --out runs/emoji --dry-run --batch-picture batch.png',
      'say what the run will need, and show its first batch',
    ],
    ['easel train configs/train/emoji-seq2seq.json --out runs/emoji --resume', 'go on after an interruption'],
  ],
  parse: parseSeq2SeqConfig,
  train: trainSeq2Seq,
  plan: planSeq2Seq,
});
