/**
 * The form of torch.save before PyTorch 1.6, in which torchvision's VGG16 and LPIPS are published.
 * It is pickles one after the other (a magic number, a version, the machine, the object, the keys
 * of the storages), and then each storage: its element count (int64) and its elements.
 *
 * Source: pytorch torch/serialization.py, _legacy_save and _legacy_load.
 */
import { CheckpointError } from '../errors.js';
import type { ByteSource } from './byte-source.js';
import { PickleGlobal, type PickleHost, PickleOpaque, type PickleValue, readPickleAt } from './pickle.js';
import { LEGACY_MAGIC } from './torch-magic.js';

const VERSION = 1001;

/** Where the bytes of a storage lie. */
export interface StoragePlace {
  readonly offset: number;
  readonly byteLength: number;
}

/** Pickles are read from this much of the file at first. If that is too little, more is read. */
const FIRST_BYTES = 2 ** 20;

/** What reading the object's pickle needs. */
export interface LegacyHost {
  /** The host for a pickle whose storages lie at these places. */
  at(places: ReadonlyMap<string, StoragePlace>): PickleHost;
  /** The bytes of an element of a class of storages; undefined for an unknown class. */
  itemBytes(storageClass: string): number | undefined;
  /** The most bytes that all pickles together may have. */
  readonly maxPickleBytes: number;
}

/**
 * The object of such a file, and how many bytes its pickle has. Storages are located, not read.
 *
 * Throws CheckpointError for another version, big-endian data, a damaged pickle, and storages that
 * have other sizes than the pickle says or lie beyond the end.
 */
export function readLegacyTorch(
  source: ByteSource,
  host: LegacyHost,
): { readonly root: PickleValue; readonly pickleBytes: number } {
  const limit = Math.min(source.size, host.maxPickleBytes);
  for (let length = Math.min(FIRST_BYTES, limit); ; length = Math.min(8 * length, limit)) {
    try {
      return readFrom(source.view(0, length).slice(), source, host);
    } catch (error) {
      // A pickle that is cut off by the window reads as a damaged one.
      if (!(error instanceof CheckpointError) || length === limit) throw error;
    }
  }
}

function readFrom(
  bytes: Uint8Array,
  source: ByteSource,
  host: LegacyHost,
): { readonly root: PickleValue; readonly pickleBytes: number } {
  const { description } = source;
  const fail = (problem: string): CheckpointError =>
    new CheckpointError(
      `${description}: ${problem}. If the file was downloaded or copied, fetch it again; else write it again with torch.save(model.state_dict(), PATH).`,
    );
  const version = readPickleAt(bytes, LEGACY_MAGIC.length, description, plain);
  if (version.value !== VERSION) throw fail(`its version is ${String(version.value)}, expected ${VERSION}`);
  const machine = readPickleAt(bytes, version.end, description, plain);
  if (machine.value instanceof Map && machine.value.get('little_endian') === false) {
    throw new CheckpointError(
      `${description}: its numbers are big-endian; only little-endian files are read. Save it again on another machine.`,
    );
  }
  const storages = new Map<string, { readonly count: number; readonly width: number }>();
  const collected = readPickleAt(bytes, machine.end, description, collect(storages, host));
  const keys = readPickleAt(bytes, collected.end, description, plain);
  if (!Array.isArray(keys.value)) throw fail('its list of storages is not there');

  const places = new Map<string, StoragePlace>();
  let at = keys.end;
  for (const key of keys.value) {
    const storage = storages.get(`${key}`);
    if (storage === undefined) throw fail(`its storage "${key}" belongs to no tensor that can be read`);
    if (at + 8 > source.size) throw fail(`it ends before the storage "${key}"`);
    const word = source.view(at, 8);
    const count = Number(new DataView(word.buffer, word.byteOffset, 8).getBigInt64(0, true));
    if (count !== storage.count)
      throw fail(`its storage "${key}" should have ${storage.count} elements, but has ${count}`);
    const byteLength = count * storage.width;
    if (at + 8 + byteLength > source.size)
      throw fail(`its storage "${key}" of ${byteLength} bytes reaches beyond the end`);
    places.set(`${key}`, { offset: at + 8, byteLength });
    at += 8 + byteLength;
  }
  const root = readPickleAt(bytes, machine.end, description, host.at(places)).value;
  return { root, pickleBytes: collected.end - machine.end };
}

/** The host of pickles that hold plain data only. */
const plain: PickleHost = {
  call: () => undefined,
  persistent: () => {
    throw new Error('expected plain data, found a storage');
  },
};

/** Notes the storages that a pickle refers to, and builds nothing. */
function collect(
  storages: Map<string, { readonly count: number; readonly width: number }>,
  { itemBytes }: Pick<LegacyHost, 'itemBytes'>,
): PickleHost {
  return {
    call: () => undefined,
    persistent(id) {
      const [kind, storageClass, key, , count] = Array.isArray(id) ? id : [];
      if (kind !== 'storage' || !(storageClass instanceof PickleGlobal) || typeof key !== 'string')
        throw new Error('expected the description of a storage, found something else');
      const width = itemBytes(storageClass.name);
      if (width === undefined)
        throw new Error(`the storage "${key}" is a ${storageClass.name}, whose size is not known`);
      if (typeof count !== 'number' || !Number.isSafeInteger(count) || count < 0)
        throw new Error(`the storage "${key}" does not say how many elements it has`);
      storages.set(key, { count, width });
      return new PickleOpaque('a storage');
    },
  };
}
