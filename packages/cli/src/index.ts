// Drawing from a model folder
export {
  type GenerateOptions,
  generatePictures,
  openPictureModel,
  type Picture,
  type PictureModel,
} from './generate-pictures.js';
export { type GenerationSettings, readGenerationSettings } from './generation-settings.js';
// The command line
export { main } from './main.js';
export { findShippedModel, resolveModelFolder } from './model-folder.js';
// Text in PNG files
export { addPngText, readPngText } from './png-text.js';
export type { TokenSearch } from './token-search.js';
