// For the packages of this repository alone: what is here may change in any release.

export { checkBelongTogether } from './belong-together.js';
export { NOTEBOOK_SETTINGS, standardSettings, trainedSettings } from './generation-settings.js';
export { searchToJson, settingsFor } from './token-search.js';
