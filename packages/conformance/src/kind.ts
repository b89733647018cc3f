import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Checks } from './checks.js';

/** A folder of recorded numbers. */
export class GoldenFolder {
  readonly path: string;
  /** Names of the files in it. */
  readonly files: readonly string[];
  /** Names of the folders in it. */
  readonly folders: readonly string[];

  constructor(path: string) {
    this.path = path;
    const entries = readdirSync(path, { withFileTypes: true });
    const names = (folders: boolean): string[] =>
      entries
        .filter((entry) => entry.isDirectory() === folders)
        .map(({ name }) => name)
        .sort();
    this.files = names(false);
    this.folders = names(true);
  }

  get name(): string {
    return basename(this.path);
  }

  has(...files: string[]): boolean {
    return files.every((file) => this.files.includes(file));
  }

  /** Path of one of its files. */
  file(name: string): string {
    return join(this.path, name);
  }

  /** Path of a file of the folder that this one lies in, or undefined if there is none. */
  parentFile(name: string): string | undefined {
    const path = join(dirname(this.path), name);
    return existsSync(path) ? path : undefined;
  }
}

/** What a case asks of a tfjs backend. */
export type Needs =
  /** Nothing: it computes no tensors. */
  | 'nothing'
  /**
   * Models run forward; results are read asynchronously, so that it also runs where nothing can be
   * read at once (WebGPU).
   */
  | 'forward'
  /** Gradients, or reading tensors in the middle. */
  | 'everything';

/** Recorded numbers that are compared together: one line of the report. */
export interface Case {
  /** Within its folder: '' for a folder that is one case, else a file or a part of one. */
  readonly name: string;
  readonly needs: Needs;
  /**
   * Computes ours and compares. Throws if it cannot: that is a failure too. Leaves no tensors
   * behind.
   */
  run(checks: Checks, context: RunContext): Promise<void> | void;
}

/** What the run tells a case. */
export interface RunContext {
  /** tfjs's name of the backend that is current. */
  readonly backend: string;
  /**
   * Whether gradients and reading in the middle are possible; a case leaves such parts out where
   * they are not, and says so.
   */
  readonly everything: boolean;
  /** Notes a part that is left out, and why; it is printed. */
  leftOut(what: string, why: string): void;
}

/** One kind of recorded numbers: how its files look and how ours are computed. */
export interface Kind {
  /**
   * The cases of one folder of this kind, by the files that are in it; folders below are asked on
   * their own.
   */
  cases(folder: GoldenFolder): readonly Case[];
  /**
   * Files of such a folder that no case of this kind reads, and that need none (inputs of other
   * folders, notes).
   */
  readonly besides?: RegExp;
}

/** A kind that is not loaded before it is needed. */
export interface KindEntry {
  readonly name: string;
  /** Whether the files of a folder with any name are of this kind. */
  recognizes(folder: GoldenFolder): boolean;
  /**
   * Names of folders below such a folder that hold what its cases read, and no cases of their own.
   */
  readonly inputs?: RegExp;
  /** undefined where nobody wrote its runner yet. */
  readonly load: (() => Promise<{ readonly kind: Kind }>) | undefined;
}
