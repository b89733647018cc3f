// The command line

export { main } from './main.js';
export { findShippedModel, resolveModelFolder } from './model-folder.js';
