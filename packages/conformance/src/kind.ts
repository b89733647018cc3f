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

/** Recorded numbers that are compared together: one line of the report. */
export interface Case {
  /** Name within the folder: '' for a folder that is one case, else a file or a part of one. */
  readonly name: string;
  /**
   * Computes Easel's results and compares them. If it throws, the case fails. It leaves no tensors
   * behind. Tensors are read with `await x.data()`, so that a case runs on backends without
   * synchronous reads (WebGPU).
   */
  run(checks: Checks, context: RunContext): Promise<void> | void;
}

/** Facts about the run, for a case. */
export interface RunContext {
  /** tfjs's name of the current backend. */
  readonly backend: string;
  /** Notes a part that is left out, and why. The note is printed. */
  leftOut(what: string, why: string): void;
  /**
   * Does a part of a case. Where the backend lacks a kernel, the rest of the part is left out, and a
   * note names the kernel.
   */
  ifPossible(what: string, part: () => Promise<void>): Promise<void>;
}

/** One kind of recorded numbers: the form of its files, and the way to compute Easel's results. */
export interface Kind {
  /**
   * Returns the cases of one folder of this kind, by the files that are in it. Folders below it are
   * handled separately.
   */
  cases(folder: GoldenFolder): readonly Case[];
  /**
   * Files of such a folder that no case reads and that need none (inputs of other folders, notes).
   */
  readonly besides?: RegExp;
}

/** A kind that is loaded when it is needed. */
export interface KindEntry {
  readonly name: string;
  /** Whether the files of a folder are of this kind, whatever the folder's name. */
  recognizes(folder: GoldenFolder): boolean;
  /**
   * Names of folders below such a folder that hold inputs of its cases, and no cases of their own.
   */
  readonly inputs?: RegExp;
  /** Loads the kind. It is undefined if there is no runner yet. */
  readonly load: (() => Promise<{ readonly kind: Kind }>) | undefined;
}
