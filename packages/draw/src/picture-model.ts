import { DalleBart, openDalleBart, type TextModel } from '@easel/bart';
import {
  CheckpointError,
  type ModelFiles,
  type ModelSource,
  modelFiles,
  type OpenOptions,
  openUndamaged,
  type WeightStorage,
} from '@easel/core';
import { openVqgan, type Vqgan } from '@easel/vqgan';
import { checkBelongTogether } from './belong-together.js';
import {
  GENERATION_FILE,
  type GenerationSettings,
  parseGenerationSettings,
  standardSettings,
} from './generation-settings.js';
import type { PictureParts } from './picture-parts.js';
import { EMOJI_FILE, parseEmojiCaptions } from './prompt/emoji-captions.js';
import { EXAMPLES_FILE, parseExamples } from './prompt/examples.js';
import { parseWordList, WORDS_FILE } from './prompt/word-list.js';

/** A model in memory that draws pictures: text → codes → pixels. */
export interface PictureModel extends PictureParts {
  readonly text: TextModel;
  readonly vqgan: Vqgan;
  /** Frees the weights of both. */
  dispose(): void;
}

/** Options of `openPictureModel`. */
export interface OpenPictureModelOptions extends OpenOptions {
  /**
   * How the weights of both models are held (default 'stored'). A VQGAN has no 'int8' and 'int4'; it is
   * held in 'f16' then.
   */
  readonly weights?: WeightStorage | undefined;
  /** Source of the VQGAN (default: the folder `vqgan` of the model's source). */
  readonly vqgan?: ModelSource | undefined;
}

/**
 * Opens a picture model. It consists of a text model (the source itself, see `openDalleBart`), the
 * decoder of the VQGAN that it was trained with, and, if these files are there, the settings of
 * generation.json, the words that it learnt (words.json), what emoji stand for (emoji.json) and prompts
 * to begin with (examples.json).
 *
 * Throws CheckpointError or ConfigError if a part is missing or the two models don't belong
 * together; CheckpointError that names the damaged files if the model has a manifest that they
 * differ from (see `openUndamaged`). Nothing stays in memory then.
 */
export async function openPictureModel(
  source: ModelSource,
  options: OpenPictureModelOptions = {},
): Promise<PictureModel> {
  const files = modelFiles(source);
  return openUndamaged(files, () => openParts(files, options));
}

async function openParts(
  files: ModelFiles,
  { vqgan: vqganSource, weights = 'stored', ...others }: OpenPictureModelOptions,
): Promise<PictureModel> {
  const options = { ...others, weights };
  const vqganFiles = vqganSource === undefined ? files.folder('vqgan') : modelFiles(vqganSource);
  if (!(await vqganFiles.has('config.json'))) {
    throw new CheckpointError(
      `${vqganFiles.nameOf('config.json')}: there is no such file, so the codes of the model in ${files.description} can't become pixels. Put the VQGAN that it was trained with there (easel convert --vqgan does).`,
    );
  }
  const opened: { dispose(): void }[] = [];
  const dispose = () => {
    for (const part of opened) part.dispose();
  };
  try {
    const text = await openDalleBart(files, options);
    opened.push(text);
    const vqgan = await openVqgan(vqganFiles, { ...options, decoderOnly: true });
    opened.push(vqgan);
    checkBelongTogether(text.config, vqgan.config, files.description);
    const [settings, prompts] = await Promise.all([openSettings(files, text), openPromptFiles(files)]);
    return { text, vqgan, settings, ...prompts, dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** Reads what a model's folder says of the words in prompts. */
async function openPromptFiles(
  files: ModelFiles,
): Promise<Pick<PictureParts, 'words' | 'emoji' | 'examples'>> {
  const [words, emoji, examples] = await Promise.all(
    [WORDS_FILE, EMOJI_FILE, EXAMPLES_FILE].map((name) => files.text(name)),
  );
  return {
    words: words === undefined ? undefined : parseWordList(words, files.nameOf(WORDS_FILE)),
    emoji: emoji === undefined ? undefined : parseEmojiCaptions(emoji, files.nameOf(EMOJI_FILE)),
    examples: examples === undefined ? undefined : parseExamples(examples, files.nameOf(EXAMPLES_FILE)),
  };
}

/**
 * Reads how a model draws. Settings that generation.json does not give come from
 * `standardSettings`, which goes by the config and by whose names the weights have.
 */
async function openSettings(
  files: ModelFiles,
  { model, config, naming }: TextModel,
): Promise<GenerationSettings> {
  const text = await files.text(GENERATION_FILE);
  const named = text === undefined ? {} : parseGenerationSettings(text, files.nameOf(GENERATION_FILE));
  return { ...standardSettings(config, naming !== 'easel' && model instanceof DalleBart), ...named };
}
