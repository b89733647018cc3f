// Opening a picture model from its files, and drawing with it.

export { type GeneratePicturesOptions, generatePictures } from './generate-pictures.js';
export { iterationKeys } from './iteration-keys.js';
export { type OpenPictureModelOptions, openPictureModel, type PictureModel } from './picture-model.js';
export { type PictureParts, pictureSize } from './picture-parts.js';
export type { TokenSearch } from './token-search.js';

// Prompts: words that a model doesn't know, and what emoji stand for.

export { EMOJI_FILE, EmojiCaptions, parseEmojiCaptions } from './prompt/emoji-captions.js';
export { EXAMPLES_FILE, parseExamples } from './prompt/examples.js';
export { type PromptHint, type PromptReader, promptHints, type UnknownWord } from './prompt/prompt-hints.js';
export {
  parseWordList,
  WORDS_FILE,
  WordCounter,
  type WordList,
  wordListToJson,
} from './prompt/word-list.js';

// Requests that come and go, drawn together.

export type { PictureJob } from './picture-job.js';
export { PictureQueue, type PictureQueueOptions, type QueueLoad } from './picture-queue.js';
export type {
  Picture,
  PictureEvent,
  PicturePlace,
  PicturePreview,
  PictureRequest,
} from './picture-request.js';

// PNG files of pictures, and what they say of how they were made.

export { encodePng } from './encode-png.js';
export { type PictureOrigin, pictureFile, readPictureOrigin } from './picture-file.js';
export { addPngText, readPngText } from './png-text.js';

// Settings of a drawing, in the form that a model folder keeps.

export {
  GENERATION_FILE,
  type GenerationSettings,
  generationSettingsToJson,
  parseGenerationSettings,
} from './generation-settings.js';
