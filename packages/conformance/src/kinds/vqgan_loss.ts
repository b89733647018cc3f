import type { Case, GoldenFolder, Kind } from '../kind.js';
import { discriminatorCase } from './vqgan_loss/discriminator-case.js';
import { ganLossesCase } from './vqgan_loss/gan-losses-case.js';
import { lpipsCase } from './vqgan_loss/lpips-case.js';
import { trainingCase } from './vqgan_loss/training-case.js';

/** The forms of files, by their names. */
const FORMS: readonly { files: RegExp; make: (file: string, name: string) => Case }[] = [
  { files: /^lpips_/, make: lpipsCase },
  { files: /^discriminator_/, make: discriminatorCase },
  { files: /^gan_losses/, make: ganLossesCase },
  { files: /^train_/, make: trainingCase },
];

/** LPIPS, discriminators, GAN losses and whole training steps of taming. */
export const kind: Kind = {
  cases(folder: GoldenFolder): Case[] {
    return folder.files.flatMap((file) => {
      const form = file.endsWith('.safetensors') ? FORMS.find(({ files }) => files.test(file)) : undefined;
      return form ? [form.make(folder.file(file), file.replace('.safetensors', ''))] : [];
    });
  },
};
