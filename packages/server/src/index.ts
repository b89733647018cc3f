// A server that draws.

export type { ContentCheck } from './content-check.js';
export type { DrawingWorker } from './drawing/drawing-worker.js';
export type { ModelFacts } from './drawing/messages.js';
export type { ServerLimits, ServerOptions } from './server-options.js';
export { type EaselServer, startServer } from './start-server.js';
