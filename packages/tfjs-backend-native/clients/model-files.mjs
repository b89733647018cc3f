// Reads the models that npm packages hold: a JSON beside files of weights.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The folder of an installed package. */
export function packageFolder(name) {
  const paths = createRequire(import.meta.url).resolve.paths(name);
  for (const path of paths) {
    const folder = join(path, name);
    try {
      readFileSync(join(folder, 'package.json'));
      return folder;
    } catch {}
  }
  throw new Error(`${name} is not installed`);
}

/** A tfjs io handler that loads a model.json and its weights from disk. */
export function modelFile(path) {
  const load = async () => {
    const {
      modelTopology,
      weightsManifest,
      format,
      generatedBy,
      convertedBy,
      signature,
      userDefinedMetadata,
      modelInitializer,
    } = JSON.parse(readFileSync(path, 'utf8'));
    const shards = weightsManifest.flatMap(({ paths }) =>
      paths.map((file) => readFileSync(join(dirname(path), file))),
    );
    const all = Buffer.concat(shards);
    return {
      modelTopology,
      format,
      generatedBy,
      convertedBy,
      signature,
      userDefinedMetadata,
      modelInitializer,
      weightSpecs: weightsManifest.flatMap(({ weights }) => weights),
      weightData: all.buffer.slice(all.byteOffset, all.byteOffset + all.byteLength),
    };
  };
  return { load };
}
