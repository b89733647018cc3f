// The command line

export { main } from './main.js';
export { findShippedModel, resolveModelFolder } from './model-folder.js';

// Text in PNG files

export { addPngText, readPngText } from './png-text.js';
