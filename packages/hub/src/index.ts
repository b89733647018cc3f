// Names of models on the hub, and where hub and cache are.

export { HubError } from './hub-error.js';
export { type HubPlace, hubPlace } from './hub-place.js';
export { formatHubName, HUB_PREFIX, type HubName, isHubName, parseHubName } from './model-name.js';

// From the cache, without network.

export { type FoundModel, findModel, howToFetch } from './find-model.js';

// From the hub into the cache.

export type { Digest } from './digest.js';
export { type FetchOptions, type FetchPlan, fetchModel, planFetch } from './fetch-model.js';
export { ConnectionError, type HubClientOptions, type RepositoryFile } from './hub-client.js';
export { formatBytes, type ModelContents, type ModelForm } from './model-contents.js';

// What the cache holds.

export {
  type CachedModel,
  listModels,
  removeModel,
  type VerifiedModel,
  verifyModels,
} from './cached-models.js';
