import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';

const MODEL_FILE = 'model.json';
const WEIGHTS_FILE = 'weights.bin';
const SCHEME = 'file://';

/**
 * Where a tfjs model is saved or loaded: `path` is the folder to save to, or the model.json to load.
 * A list is a model.json and a file of weights that take the place of the manifest's. `save` writes
 * model.json and weights.bin, each completely or not at all. `load` throws Error, with the file's name,
 * if one is missing or has too few bytes.
 */
export function fileSystem(path: string | readonly string[]): tf.io.IOHandler {
  const [first, ...others] = typeof path === 'string' ? [path] : path;
  if (first === undefined || others.length > 1)
    throw new Error(`fileSystem: expected a path, or two of model.json and weights, got ${path.length}.`);
  return {
    save: (artifacts) => save(first, artifacts),
    load: () => load(first, others),
  };
}

async function save(folder: string, artifacts: tf.io.ModelArtifacts): Promise<tf.io.SaveResult> {
  const { modelTopology, weightSpecs = [], weightData, ...rest } = artifacts;
  if (modelTopology instanceof ArrayBuffer)
    throw new Error(`${folder}: a topology in binary form can't be saved; expected one in JSON.`);
  const bytes = tf.io.CompositeArrayBuffer.join(weightData);
  const { format, generatedBy, convertedBy, signature, userDefinedMetadata, modelInitializer } = rest;
  const { initializerSignature, trainingConfig } = rest;
  const json: tf.io.ModelJSON = {
    modelTopology: modelTopology as object,
    ...(format === undefined ? {} : { format }),
    ...(generatedBy === undefined ? {} : { generatedBy }),
    ...(convertedBy === undefined ? {} : { convertedBy: convertedBy as string }),
    ...(signature == null ? {} : { signature }),
    ...(userDefinedMetadata == null ? {} : { userDefinedMetadata }),
    ...(modelInitializer == null ? {} : { modelInitializer }),
    ...(initializerSignature == null ? {} : { initializerSignature }),
    ...(trainingConfig == null ? {} : { trainingConfig }),
    weightsManifest: [{ paths: [WEIGHTS_FILE], weights: weightSpecs }],
  };
  await mkdir(folder, { recursive: true });
  await writeWhole(join(folder, WEIGHTS_FILE), new Uint8Array(bytes));
  await writeWhole(join(folder, MODEL_FILE), JSON.stringify(json)); // last, since it names the weights
  const info = tf.io.getModelArtifactsInfoForJSON({ ...artifacts, weightData: bytes });
  return { modelArtifactsInfo: info };
}

/** Writes beside the place and renames. */
async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const partial = `${path}.${randomUUID().slice(0, 8)}.partial`;
  try {
    await writeFile(partial, content);
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
}

async function load(path: string, weights: readonly string[]): Promise<tf.io.ModelArtifacts> {
  const file = (await stat(path).catch(() => undefined))?.isDirectory() ? join(path, MODEL_FILE) : path;
  const json = parse(await read(file), file);
  return tf.io.getModelArtifactsForJSON(json, async (manifest) => {
    const specs = manifest.flatMap((group) => group.weights);
    const listed = manifest.flatMap((group) => group.paths.map((name) => join(dirname(file), name)));
    const paths = weights.length > 0 ? weights : listed;
    const parts = await Promise.all(paths.map(read));
    const bytes = Buffer.concat(parts);
    const { buffer, byteOffset, byteLength } = bytes;
    return [specs, buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer];
  });
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new Error(`${path}: can't be read: ${(error as Error).message}`, { cause: error });
  }
}

function parse(bytes: Buffer, file: string): tf.io.ModelJSON {
  let json: Partial<tf.io.ModelJSON> | null;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new Error(`${file}: expected a model in JSON: ${(error as Error).message}`, { cause: error });
  }
  if (json?.modelTopology == null || !Array.isArray(json.weightsManifest))
    throw new Error(`${file}: expected modelTopology and weightsManifest, as tfjs saves a model.`);
  return json as tf.io.ModelJSON;
}

let registered = false;

/** Makes `model.save('file://…')` and `tf.loadLayersModel('file://…')` work, once a process. */
export function registerFileHandlers(): void {
  if (registered) return;
  registered = true;
  const route = (url: string | string[]) =>
    typeof url === 'string' && url.startsWith(SCHEME) ? fileSystem(pathOf(url)) : (null as never);
  tf.io.registerSaveRouter(route);
  tf.io.registerLoadRouter(route);
}

/** tfjs-node takes relative paths behind file:// too, which are no URLs. */
function pathOf(url: string): string {
  const path = url.slice(SCHEME.length);
  return path.startsWith('/') ? fileURLToPath(url) : path;
}
