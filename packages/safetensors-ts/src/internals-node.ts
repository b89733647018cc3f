// Only the packages of this repository use this entry. Anything here may change in any release.

export { writeAll, writeAtomically } from './atomic-file.js';
export { readFully } from './disk-file.js';
