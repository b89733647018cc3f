import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type OpenedDalleBart, openDalleBart } from '@easel/bart/node';
import { CheckpointError } from '@easel/core';
import { readTextIfThere } from '@easel/core/node';
import type { Vqgan } from '@easel/vqgan';
import { openVqgan } from '@easel/vqgan/node';
import { checkBelongTogether } from './belong-together.js';
import type { PictureParts } from './generate-pictures.js';
import {
  type GenerationSettings,
  GENERATION_FILE,
  parseGenerationSettings,
  standardSettings,
} from './generation-settings.js';

/** A model folder in memory, ready to draw. */
export interface PictureModel extends PictureParts {
  readonly folder: string;
  readonly text: OpenedDalleBart;
  readonly vqgan: Vqgan;
  /** Frees the weights. */
  dispose(): void;
}

/**
 * Opens a model folder: text → codes (the folder itself) and codes → pixels (its `vqgan/`).
 * Throws CheckpointError or ConfigError if a part is missing or the two don't belong together; nothing stays in memory then.
 */
export async function openPictureModel(folder: string): Promise<PictureModel> {
  const vqganFolder = join(folder, 'vqgan');
  if (!existsSync(join(vqganFolder, 'config.json'))) {
    throw new CheckpointError(
      `Model folder ${folder}: it has no vqgan/config.json, so its codes can't become pixels. Put the VQGAN it was trained with into ${vqganFolder} (easel convert --vqgan does).`,
    );
  }
  const opened: { dispose(): void }[] = [];
  const dispose = () => {
    for (const part of opened) part.dispose();
  };
  try {
    const text = await openDalleBart(folder);
    opened.push(text);
    const vqgan = await openVqgan(vqganFolder, { decoderOnly: true });
    opened.push(vqgan);
    checkBelongTogether(text.config, vqgan.config, `Model folder ${folder}`);
    return { folder, text, vqgan, settings: await readSettings(folder, text.config), dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** generation.json where it says something, else what config.json says. */
async function readSettings(folder: string, config: OpenedDalleBart['config']): Promise<GenerationSettings> {
  const file = join(folder, GENERATION_FILE);
  const text = await readTextIfThere(file);
  return {
    ...standardSettings(config),
    ...(text === undefined ? {} : parseGenerationSettings(text, file)),
  };
}
