export type { BackendOptions } from './candidates.js';
export {
  type BackendChoice,
  type BackendDescription,
  type BackendTrial,
  backendNames,
  describeBackends,
  selectBackend,
} from './select-backend.js';
