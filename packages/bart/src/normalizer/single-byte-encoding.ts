import { ENCODINGS } from './mojibake-data.js';

/**
 * An encoding of one byte a character. Bytes are held as the characters U+0000 to U+00FF of a
 * string, so that regular expressions can search them.
 */
export class SingleByteEncoding {
  /** Python's name of the encoding, without "sloppy-". */
  readonly name: string;
  /** Whether each unassigned byte is the character of its number, and byte 0x1A is U+FFFD. */
  readonly sloppy: boolean;
  private readonly upper: string;
  private readonly bytes = new Map<string, string>();

  /** `upper` holds the characters of the bytes 0x80 to 0xFF. */
  constructor({ name, sloppy, upper }: (typeof ENCODINGS)[number]) {
    this.name = name;
    this.sloppy = sloppy;
    this.upper = upper;
    for (let byte = 0; byte < 0x80; byte++) this.setByte(String.fromCharCode(byte), byte);
    for (let byte = 0x80; byte < 0x100; byte++) this.setByte(upper.charAt(byte - 0x80), byte);
    if (sloppy) {
      this.bytes.delete('\x1a');
      this.setByte('\ufffd', 0x1a);
    }
  }

  /** Returns the bytes of `text`, or undefined if it has a character that the encoding lacks. */
  encode(text: string): string | undefined {
    let bytes = '';
    for (let i = 0; i < text.length; i++) {
      const byte = this.bytes.get(text.charAt(i));
      if (byte === undefined) return undefined;
      bytes += byte;
    }
    return bytes;
  }

  /** Returns the character of a byte from 0x80 to 0xFF. */
  decodeUpper(byte: number): string {
    return this.upper.charAt(byte - 0x80);
  }

  private setByte(character: string, byte: number): void {
    this.bytes.set(character, String.fromCharCode(byte));
  }
}

/** The encodings that text may have been mis-decoded by, in the order in which they are tried. */
export const SINGLE_BYTE_ENCODINGS: readonly SingleByteEncoding[] = ENCODINGS.map(
  (encoding) => new SingleByteEncoding(encoding),
);

/** Windows-1252; its five holes are C1 controls, as in browsers. */
export const WINDOWS_1252 = SINGLE_BYTE_ENCODINGS.find(
  ({ name }) => name === 'windows-1252',
) as SingleByteEncoding;
