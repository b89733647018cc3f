// Stands in for @tensorflow/tfjs-node in clients that require it by name: tfjs, and what they use of tfjs-node beside
// its backend, file:// and decodeImage.
const { readFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { fileURLToPath } = require('node:url');
const tf = require('@tensorflow/tfjs');

/** Loads a model.json and the weights beside it. */
function fileHandler(path) {
  return {
    load: async () => {
      const { modelTopology, weightsManifest, ...rest } = JSON.parse(readFileSync(path, 'utf8'));
      const shards = weightsManifest.flatMap(({ paths }) =>
        paths.map((file) => readFileSync(join(dirname(path), file))),
      );
      const { buffer, byteOffset, byteLength } = Buffer.concat(shards);
      const weightData = buffer.slice(byteOffset, byteOffset + byteLength);
      const weightSpecs = weightsManifest.flatMap(({ weights }) => weights);
      return { ...rest, modelTopology, weightSpecs, weightData };
    },
  };
}

tf.io.registerLoadRouter((url) =>
  typeof url === 'string' && url.startsWith('file://') ? fileHandler(fileURLToPath(url)) : null,
);

/** A JPEG as int32 [height, width, 3]. */
function decodeImage(bytes) {
  const { data, width, height } = require('jpeg-js').decode(bytes, { formatAsRGBA: false, useTArray: true });
  return tf.tensor3d(data, [height, width, 3], 'int32');
}

module.exports = { ...tf, io: { ...tf.io, fileSystem: fileHandler }, node: { decodeImage } };
