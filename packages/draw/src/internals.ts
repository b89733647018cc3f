// Only the packages of this repository use this entry. Its exports may change in any release.

export { checkBelongTogether } from './belong-together.js';
export { checkMemory, drawingBytes, slotsWithin } from './drawing-memory.js';
export { NOTEBOOK_SETTINGS, standardSettings, trainedSettings } from './generation-settings.js';
export { type PictureRecord, pictureTexts } from './picture-record.js';
export { promptSlug } from './prompt/prompt-slug.js';
export { searchToJson, settingsFor } from './token-search.js';
