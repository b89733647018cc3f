// Math.imul is looked up once, because under jest each access to a global such as Math costs a
// microsecond.
const { imul } = Math;

/**
 * Returns a number in [−1, 1) for each flat index of the tensor called `name`, by integer hashing
 * (reference/golden/scripts/weights.py).
 */
export function hashedUniform(name: string, size: number, seed: number): Float64Array {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = imul(hash ^ byte, 0x01000193) >>> 0;
  hash = (hash ^ imul(seed, 0x9e3779b9)) >>> 0;
  const values = new Float64Array(size);
  for (let j = 0; j < size; j++) {
    let x = (hash + imul(j, 0x9e3779b1)) >>> 0;
    x = imul(x ^ (x >>> 16), 0x7feb352d) >>> 0;
    x = imul(x ^ (x >>> 15), 0x846ca68b) >>> 0;
    x = (x ^ (x >>> 16)) >>> 0;
    values[j] = (x >>> 8) / 2 ** 23 - 1;
  }
  return values;
}
