/**
 * A file, wherever it lies (on disk, behind an address, in memory), open for reading by position.
 */
export interface ByteFile {
  /** The name for messages: a path, an address, or what the caller said. */
  readonly name: string;
  /** The number of its bytes. */
  readonly size: number;
  /** The file's descriptor, of a file on disk. It is valid until `close`. */
  readonly descriptor?: number;
  /**
   * Fills `target` with the bytes from `position` on. Returns how many there were: fewer than asked
   * for if the file ends. Several reads may run at once.
   */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Closes the file. Reads after it fail. */
  close(): Promise<void>;
}

/** Bytes in memory as a file. They are not copied. */
export function memoryFile(bytes: Uint8Array, name: string): ByteFile {
  return {
    name,
    size: bytes.byteLength,
    read: async (target, position) => {
      const there = bytes.subarray(position, position + target.byteLength);
      target.set(there);
      return there.byteLength;
    },
    close: async () => undefined,
  };
}
