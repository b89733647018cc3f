import { memoryFile } from 'safetensors-ts';
import { type ModelFile, ModelFiles } from './model-files.js';

/** Files by name: bytes as they are, text as UTF-8. */
export type FileContents =
  | ReadonlyMap<string, Uint8Array | string>
  | Readonly<Record<string, Uint8Array | string>>;

class MemoryFiles extends ModelFiles {
  override readonly description: string;
  private readonly contents: ReadonlyMap<string, Uint8Array | string>;
  private readonly prefix: string;

  constructor(contents: ReadonlyMap<string, Uint8Array | string>, description: string, prefix = '') {
    super();
    this.contents = contents;
    this.description = description;
    this.prefix = prefix;
  }

  override async open(name: string): Promise<ModelFile | undefined> {
    const content = this.contents.get(this.prefix + name);
    if (content === undefined) return undefined;
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
    return {
      ...memoryFile(bytes, this.nameOf(name)),
      view: (position, length) => bytes.subarray(position, position + length),
    };
  }

  override folder(name: string): ModelFiles {
    return new MemoryFiles(this.contents, this.nameOf(name), `${this.prefix}${name}/`);
  }

  override async list(): Promise<readonly string[]> {
    const inside = [...this.contents.keys()].filter((name) => name.startsWith(this.prefix));
    return [...new Set(inside.map((name) => name.slice(this.prefix.length).split('/')[0] as string))];
  }
}

/**
 * A model whose files are in memory, by name (`vqgan/config.json` lies in the folder `vqgan`).
 * Bytes are not copied; they must not change while the model is opened. `description` is for
 * messages.
 */
export function memoryFiles(contents: FileContents, description = 'memory'): ModelFiles {
  const map = contents instanceof Map ? contents : new Map(Object.entries(contents));
  return new MemoryFiles(map, description);
}
