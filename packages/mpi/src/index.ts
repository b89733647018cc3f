// The processes of a job.

export { type AllReduceOptions, type Communicator, type Memory, RankError } from './communicator.js';
export { allGatherJson, broadcastBytes } from './exchange.js';
export { type Launch, launchedBy, type MpiStatus, mpiStatus, openCommunicator } from './launch.js';
export { oneProcess } from './one-process.js';
