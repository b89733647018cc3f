// Only the packages of this repository use this entry. Its exports may change in any release.

export { encodePng } from './encode-png.js';
