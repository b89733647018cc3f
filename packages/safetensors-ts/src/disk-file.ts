import { type FileHandle, open } from 'node:fs/promises';
import type { ByteFile } from './byte-file.js';

/** The most bytes of one read call: libuv's limit is below 2 GiB. */
const MAX_READ_BYTES = 256 * 2 ** 20;

/**
 * Fills `target` from the file's bytes at `position`. Returns how many there were: fewer if the
 * file ends.
 */
export async function readFully(handle: FileHandle, target: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < target.byteLength) {
    const length = Math.min(MAX_READ_BYTES, target.byteLength - done);
    const { bytesRead } = await handle.read(target, done, length, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** Opens a file on disk. Throws the file system's error (ENOENT, EACCES, EISDIR …). */
export async function openFile(path: string): Promise<ByteFile & { readonly handle: FileHandle }> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    return {
      name: path,
      size,
      handle,
      descriptor: handle.fd,
      read: (target, position) => readFully(handle, target, position),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
