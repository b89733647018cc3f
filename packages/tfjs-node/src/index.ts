import * as tf from '@tensorflow/tfjs';
import { registerTensorflowBackend } from './backend.js';
import { fileSystem, registerFileHandlers } from './file-system.js';
import * as node from './node.js';

// Everything of tfjs, as @tensorflow/tfjs-node exports it.

export * from '@tensorflow/tfjs';

registerTensorflowBackend();
registerFileHandlers();

/** tfjs's `io`, and `fileSystem` beside it. */
const io: typeof tf.io & { readonly fileSystem: typeof fileSystem } = { ...tf.io, fileSystem };

export { io, node };
