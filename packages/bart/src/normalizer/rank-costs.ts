/** From this number on, three terms of the series are exact enough. */
const SEEDED = 1000;
const FRACTION_BITS = 120n;

/**
 * Returns the natural logarithms of 1, 2, …, `count`, each rounded to the nearest double. They are
 * the costs of words by rank.
 *
 * Two splits of a hashtag can cost the same, as ln 2 + ln 3 and ln 6 do. Then the last bit decides.
 * Python uses the C library's logarithm, which rounds all but 91 of the numbers up to 3,000,000 to
 * the nearest double. V8's `Math.log` differs from it for 27,625 of these numbers, the first of
 * which is 3.
 *
 * ln (n+1) = ln n + 2·atanh z, z = 1 / (2n+1), atanh z = z + z³/3 + z⁵/5 + …, summed up with twice
 * the digits.
 */
export function rankCosts(count: number): Float64Array {
  const costs = new Float64Array(count);
  let [high, low] = [0, 0]; // ln n = high + low, and high is the number nearest to it
  let fraction = 0n; // ln n by itself, while n is small
  for (let n = 1; n <= count; n++) {
    costs[n - 1] = high;
    if (n < SEEDED) {
      fraction += logarithmStep(n);
      high = fromFraction(fraction);
      low = fromFraction(fraction - toFraction(high));
      continue;
    }
    const divisor = 2 * n + 1;
    const z = 1 / divisor;
    const front = Math.fround(z); // so few digits that its product with the divisor is exact
    const zRest = (1 - front * divisor - (z - front) * divisor) / divisor;
    const square = z * z;
    const tail = 2 * z * square * (1 / 3 + square * (1 / 5 + square / 7));
    const sum = high + 2 * z;
    const lost = 2 * z - (sum - high); // exact: high is the larger
    const rest = low + lost + (2 * zRest + tail);
    high = sum + rest;
    low = rest - (high - sum);
  }
  return costs;
}

/** ln (n+1) − ln n as a whole number of units 2^−120. */
function logarithmStep(n: number): bigint {
  const divisor = BigInt(2 * n + 1);
  let power = (2n << FRACTION_BITS) / divisor;
  let sum = 0n;
  for (let k = 1n; power > 0n; k += 2n) {
    sum += power / k;
    power /= divisor * divisor;
  }
  return sum;
}

function toFraction(value: number): bigint {
  return BigInt(value * 2 ** 53) << (FRACTION_BITS - 53n);
}

function fromFraction(fraction: bigint): number {
  return Number(fraction) / 2 ** Number(FRACTION_BITS);
}
