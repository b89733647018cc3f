import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openFile } from 'safetensors-ts/node';
import { diskViews } from './disk-views.js';
import { asReadError, errorCode } from './file-errors.js';
import { type ModelFile, ModelFiles } from './model-files.js';
import { type ModelSource, modelFiles as modelFilesOfAddress } from './model-source.js';

class FolderFiles extends ModelFiles {
  override readonly description: string;

  constructor(folder: string) {
    super();
    this.description = folder;
  }

  override nameOf(name: string): string {
    return join(this.description, name);
  }

  override folder(name: string): ModelFiles {
    return new FolderFiles(this.nameOf(name));
  }

  override async open(name: string): Promise<ModelFile | undefined> {
    const path = this.nameOf(name);
    try {
      const { handle, ...file } = await openFile(path);
      if ((await handle.stat()).isFile()) return { ...file, view: diskViews(handle, file.size, path) };
      await handle.close();
      return undefined;
    } catch (error) {
      const code = errorCode(error);
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return undefined;
      throw asReadError(error, path);
    }
  }

  override async list(): Promise<readonly string[]> {
    return readdir(this.description).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') return [];
      throw asReadError(error, this.description);
    });
  }
}

/** A model whose files lie in a folder on disk. */
export function folderFiles(folder: string): ModelFiles {
  return new FolderFiles(folder);
}

/**
 * The files of a source. Text that is not an http address is the path of a folder on disk. Throws
 * ConfigError for an address that cannot be fetched.
 */
export function modelFiles(source: ModelSource): ModelFiles {
  if (source instanceof ModelFiles) return source;
  if (source instanceof URL && source.protocol === 'file:') return folderFiles(fileURLToPath(source));
  if (typeof source === 'string' && !/^https?:\/\//i.test(source)) return folderFiles(source);
  return modelFilesOfAddress(source);
}
