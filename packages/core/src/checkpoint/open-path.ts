import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CheckpointError, nearest } from '../errors.js';
import { asReadError, errorCode } from '../files/file-errors.js';
import { folderFiles, modelFiles } from '../files/folder-files.js';
import type { ModelSource } from '../files/model-source.js';
import { openWeights } from './open.js';
import type { TensorSource } from './tensor-source.js';

/**
 * Opens a checkpoint: the weights of a model (a folder on disk, an address, or files), or a file on
 * disk. See `openWeights`.
 *
 * Throws CheckpointError as that does. For a path that does not exist, the error names the nearest
 * name that does.
 */
export async function openCheckpoint(source: ModelSource): Promise<TensorSource> {
  if (typeof source !== 'string' || /^https?:\/\//i.test(source)) return openWeights(modelFiles(source));
  const info = await stat(source).catch(async (error: unknown) => {
    throw await explainMissing(source, error);
  });
  if (info.isDirectory()) return openWeights(folderFiles(source));
  if (!info.isFile()) throw new CheckpointError(`${source}: expected a file or a folder; it is neither.`);
  return openWeights(folderFiles(dirname(source)), basename(source));
}

async function explainMissing(path: string, error: unknown): Promise<unknown> {
  if (errorCode(error) !== 'ENOENT') return asReadError(error, path);
  const siblings = await readdir(dirname(path)).catch(() => undefined);
  const hint =
    siblings === undefined
      ? ` The folder ${dirname(path)} does not exist either.`
      : (() => {
          const near = nearest(basename(path), siblings);
          return near === undefined ? '' : ` Did you mean ${join(dirname(path), near)}?`;
        })();
  return new CheckpointError(`${path}: there is no such file or folder.${hint}`, { cause: error });
}
