/** Returns a random whole number from 0 to below its argument. */
export type Draw = (below: number) => number;

/** Makes a generator by Marsaglia's xorshift32, so that every run has the same damage. */
export function generator(seed: number): Draw {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/**
 * Bytes with a meaning: limits of integers, pickle and msgpack opcodes, digits, quotes and brackets
 * of JSON, line ends.
 */
const TELLING = Uint8Array.from([
  0x00, 0x01, 0x7f, 0x80, 0xff, 0x28, 0x29, 0x2e, 0x30, 0x4a, 0x51, 0x52, 0x5d, 0x63, 0x65, 0x68, 0x71, 0x74,
  0x7d, 0x85, 0x8a, 0x8f, 0x93, 0x9f, 0xc1, 0xc6, 0xc9, 0xdd, 0xdf, 0x22, 0x2c, 0x39, 0x5b, 0x7b, 0x2d, 0x0a,
]);

/**
 * Returns a damaged copy with one to four damages. Each is a flipped bit, another byte, a number of
 * four bytes, a cut, or a part that is repeated, moved or taken out.
 */
export function damaged(original: Uint8Array, random: Draw): Uint8Array {
  let bytes = new Uint8Array(original); // not slice: that of a Buffer shares its memory
  for (let i = 1 + random(4); i > 0 && bytes.length > 8; i--) {
    // Half of the damage goes to the first and last bytes, where the structure is.
    const near = random(2) === 0 ? random(Math.min(300, bytes.length)) : random(bytes.length);
    const at = random(2) === 0 ? near : bytes.length - 1 - near;
    const length = 1 + random(Math.min(64, bytes.length - at));
    switch (random(8)) {
      case 0:
        bytes[at] = (bytes[at] as number) ^ (1 << random(8));
        break;
      case 1:
        bytes[at] = random(256);
        break;
      case 2:
      case 3:
        bytes[at] = TELLING[random(TELLING.length)] as number;
        break;
      case 4: {
        const number = [0, 1, 0x7fffffff, 0xffffffff, bytes.length, random(2 ** 31)][random(6)] as number;
        new DataView(bytes.buffer).setUint32(Math.min(at, bytes.length - 4), number, random(2) === 0);
        break;
      }
      case 5:
        bytes = bytes.slice(0, at + 1);
        break;
      case 6:
        bytes = joined(bytes.subarray(0, at), bytes.subarray(at + length));
        break;
      default: {
        const from = random(bytes.length);
        const moved = bytes.subarray(from, from + length);
        bytes = joined(bytes.subarray(0, at), moved, bytes.subarray(at + random(2) * length));
      }
    }
  }
  return bytes;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Values that replace settings. */
const ODD_VALUES = [null, true, false, 0, -1, 0.5, 1e308, 2 ** 53, '', 'x', [], [1], {}, { a: 1 }, '1'];

/**
 * Returns JSON with one to three values of its top levels replaced, taken out or renamed. Now and
 * then the text is damaged too.
 */
export function damagedJson(original: unknown, random: Draw): string {
  const json = structuredClone(original);
  for (let i = 1 + random(3); i > 0; i--) {
    let at = json as Record<string, unknown>;
    for (let depth = random(3); depth > 0; depth--) {
      const inner = Object.values(at).filter((value) => typeof value === 'object' && value !== null);
      if (inner.length > 0) at = inner[random(inner.length)] as Record<string, unknown>;
    }
    const names = Object.keys(at);
    const name = names[random(Math.max(1, names.length))] ?? 'x';
    switch (random(4)) {
      case 0:
        delete at[name];
        break;
      case 1:
        at[`${name}x`] = structuredClone(at[name]);
        break;
      default:
        at[name] = structuredClone(ODD_VALUES[random(ODD_VALUES.length)]);
    }
  }
  const text = JSON.stringify(json);
  if (random(4) > 0) return text;
  return new TextDecoder().decode(damaged(new TextEncoder().encode(text), random));
}
