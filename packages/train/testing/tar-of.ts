/** A file of a tar archive: its name, as bytes where it isn't UTF-8, its content, and where it points if it is a link. */
export type TarFile = readonly [name: string | Uint8Array, content: string | Uint8Array, link?: string];

/** A tar archive of these files in this order; names may come twice. */
export function tarOf(files: readonly TarFile[]): Buffer {
  const blocks: Buffer[] = [];
  for (const [name, content, link] of files) {
    const bytes = Buffer.from(content as string);
    const header = Buffer.alloc(512);
    Buffer.from(name as string).copy(header);
    header.write('0000644\0', 100);
    header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('00000000000\0', 136);
    header.write(link === undefined ? '0' : '1', 156);
    header.write(link ?? '', 157);
    header.write('ustar\x0000', 257);
    header.fill(' ', 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    blocks.push(header, bytes, Buffer.alloc(-bytes.length & 511));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
