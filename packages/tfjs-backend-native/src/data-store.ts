import { DataStorage, type KernelBackend } from '@tensorflow/tfjs';
import type { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';

/** What the cpu backend keeps of a tensor's data: values, dtype, and how many tensors have them. */
export type DataEntry = ReturnType<MathBackendCPU['data']['get']>;

/**
 * The name of a tensor's data, which holds the data too. A WeakMap's look-ups miss the caches after
 * a large kernel, and one operation makes a dozen of them.
 */
export class DataName {
  entry: DataEntry | undefined;
  readonly store: DataStore;

  constructor(store: DataStore, entry: DataEntry) {
    this.store = store;
    this.entry = entry;
  }
}

/**
 * tfjs's DataStorage. Names that it made hold their data themselves; names of other backends are
 * looked up as in tfjs.
 */
export class DataStore extends DataStorage<DataEntry> {
  private readonly moveHere: (name: DataName) => void;
  private named = 0;

  constructor(backend: KernelBackend, mover: { moveData(backend: KernelBackend, dataId: object): void }) {
    super(backend, mover);
    this.moveHere = (name) => mover.moveData(backend, name);
  }

  /** Makes a new name with its data. */
  add(entry: DataEntry): DataName {
    this.named += 1;
    return new DataName(this, entry);
  }

  override get(dataId: object): DataEntry {
    if (!(dataId instanceof DataName) || dataId.store !== this) return super.get(dataId);
    if (dataId.entry === undefined) this.moveHere(dataId);
    return dataId.entry as DataEntry;
  }

  override set(dataId: object, entry: DataEntry): void {
    if (dataId instanceof DataName && dataId.store === this) {
      if (dataId.entry === undefined) this.named += 1;
      dataId.entry = entry;
    } else super.set(dataId, entry);
  }

  override has(dataId: object): boolean {
    return dataId instanceof DataName && dataId.store === this
      ? dataId.entry !== undefined
      : super.has(dataId);
  }

  override delete(dataId: object): boolean {
    if (!(dataId instanceof DataName) || dataId.store !== this) return super.delete(dataId);
    if (dataId.entry === undefined) return false;
    this.named -= 1;
    dataId.entry = undefined;
    return true;
  }

  override numDataIds(): number {
    return super.numDataIds() + this.named;
  }
}
