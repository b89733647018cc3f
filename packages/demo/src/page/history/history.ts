import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import type { DrawingRequest } from '../drawing/drawer.js';

/** A finished picture. */
export interface DrawnPicture {
  readonly index: number;
  /** A PNG file that says how it was made. */
  readonly file: Blob;
  readonly score?: number | undefined;
}

/** Pictures that were drawn together. */
export interface Drawing {
  readonly id: string;
  /** When it was begun, in milliseconds since 1970. */
  readonly time: number;
  /** Name of the model. */
  readonly model: string;
  readonly request: DrawingRequest;
  readonly pictures: readonly DrawnPicture[];
}

/** Drawings that are kept, at most; the oldest go first. */
const MOST_DRAWINGS = 200;

interface Schema extends DBSchema {
  readonly drawings: {
    readonly key: string;
    readonly value: Drawing;
    readonly indexes: { readonly time: number };
  };
}

/** The drawings of this browser, in IndexedDB. */
export class History {
  private readonly database: IDBPDatabase<Schema>;

  private constructor(database: IDBPDatabase<Schema>) {
    this.database = database;
  }

  /** Throws what IndexedDB throws where it is not allowed. */
  static async open(): Promise<History> {
    const database = await openDB<Schema>('easel', 1, {
      upgrade: (fresh) => {
        fresh.createObjectStore('drawings', { keyPath: 'id' }).createIndex('time', 'time');
      },
    });
    return new History(database);
  }

  /** All drawings, the newest first. */
  async list(): Promise<readonly Drawing[]> {
    return (await this.database.getAllFromIndex('drawings', 'time')).reverse();
  }

  /** Keeps a drawing, and drops the oldest beyond the bound. */
  async add(drawing: Drawing): Promise<void> {
    const change = this.database.transaction('drawings', 'readwrite');
    await change.store.put(drawing);
    let over = (await change.store.count()) - MOST_DRAWINGS;
    for (let oldest = await change.store.index('time').openCursor(); oldest && over > 0; over--) {
      await oldest.delete();
      oldest = await oldest.continue();
    }
    await change.done;
  }

  async delete(id: string): Promise<void> {
    await this.database.delete('drawings', id);
  }

  async clear(): Promise<void> {
    await this.database.clear('drawings');
  }
}
