// A picture model opened from its files, and drawn with.

export {
  type GeneratePicturesOptions,
  generatePictures,
  type Picture,
  type PictureParts,
} from './generate-pictures.js';
export { iterationKeys } from './iteration-keys.js';
export { type OpenPictureModelOptions, openPictureModel, type PictureModel } from './picture-model.js';
export type { TokenSearch } from './token-search.js';

// Settings of a drawing, as a model folder keeps them.

export {
  GENERATION_FILE,
  type GenerationSettings,
  generationSettingsToJson,
  parseGenerationSettings,
} from './generation-settings.js';
