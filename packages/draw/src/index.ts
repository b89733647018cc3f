// Drawing
export { checkBelongTogether } from './belong-together.js';
export {
  type GeneratePicturesOptions,
  generatePictures,
  type Picture,
  type PictureParts,
} from './generate-pictures.js';
// Settings
export {
  GENERATION_FILE,
  type GenerationSettings,
  generationSettingsToJson,
  parseGenerationSettings,
  standardSettings,
} from './generation-settings.js';
export { iterationKeys } from './iteration-keys.js';
export { type OpenPictureModelOptions, openPictureModel, type PictureModel } from './picture-model.js';
export { searchToJson, settingsFor, type TokenSearch } from './token-search.js';
