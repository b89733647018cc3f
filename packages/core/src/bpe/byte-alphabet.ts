/**
 * The printable stand-ins of the 256 bytes in byte-level BPE. Bytes 33–126, 161–172 and 174–255
 * stand for themselves. U+0100, U+0101, … stand for the other 68, in increasing order: space is
 * "Ġ", newline "Ċ".
 *
 * Source: GPT-2, openai/gpt-2 `src/encoder.py`, `bytes_to_unicode`.
 */
function standIns(): string[] {
  const symbols: string[] = [];
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    symbols.push(String.fromCharCode(printable ? byte : next++));
  }
  return symbols;
}

/** Symbol of each byte. */
export const SYMBOL_OF_BYTE: readonly string[] = standIns();

/** Byte of each symbol. */
export const BYTE_OF_SYMBOL: ReadonlyMap<string, number> = new Map(
  SYMBOL_OF_BYTE.map((symbol, byte) => [symbol, byte]),
);

const utf8 = new TextEncoder();

/** The symbols of the UTF-8 bytes of `text`, one character a byte. */
export function toSymbols(text: string): string {
  let symbols = '';
  for (const byte of utf8.encode(text)) symbols += SYMBOL_OF_BYTE[byte];
  return symbols;
}

/**
 * The bytes behind tokens. A token with a character that stands for no byte was not made of bytes,
 * and gives its own UTF-8 bytes.
 */
export function fromSymbols(tokens: Iterable<string>): Uint8Array {
  const bytes: number[] = [];
  for (const token of tokens) {
    const own = Array.from(token, (symbol) => BYTE_OF_SYMBOL.get(symbol));
    if (own.includes(undefined)) bytes.push(...utf8.encode(token));
    else bytes.push(...(own as number[]));
  }
  return Uint8Array.from(bytes);
}
