// Only the packages of this repository use this entry. Anything here may change in any release.

export { MIN_DALLE_PAIRS } from './checkpoint/open.js';
export { asWriteError, makeFolder, writeFileAtomic, writeJson } from './checkpoint/write-file.js';
export { type FileLock, type LockAttempt, type LockHolder, takeLock } from './lock/lock-file.js';
