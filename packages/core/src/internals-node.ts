// For the packages of this repository alone. Anything here may change in any release.

export { asWriteError, makeFolder, writeFileAtomic, writeJson } from './checkpoint/write-file.js';
