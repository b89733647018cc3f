/** The normal distribution's quantile of 97.5 %. */
const Z = 1.959964;

/**
 * Returns the 95 % confidence interval of a share that was found in `count` trials (E. B. Wilson,
 * "Probable inference, the law of succession, and statistical inference", 1927).
 */
export function wilsonInterval(
  share: number,
  count: number,
): { readonly low: number; readonly high: number } {
  if (count === 0) return { low: 0, high: 1 };
  const z2 = (Z * Z) / count;
  const centre = (share + z2 / 2) / (1 + z2);
  const half = (Z / (1 + z2)) * Math.sqrt((share * (1 - share)) / count + z2 / (4 * count));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
