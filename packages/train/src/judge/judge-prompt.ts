import type { Comparison, ContrastedPrompt } from './judged-set.js';
import type { Renderings } from './renderings.js';
import { featureDistance } from './retrieval.js';
import type { ShiftedDrawing } from './shifted-drawing.js';

/** Name of the verdict that a drawing is right on all axes. */
export const ALL = 'all';

/**
 * A contrast nearer to the right rendering than this looks the same. A byte more in every pixel makes
 * a distance of 0.12. Of the emoji drawings two are nearer, "cat face" and "grinning cat", which are
 * one picture; the next are 0.17 apart.
 */
const SAME = 0.1;

/**
 * Judges drawings of a prompt. Returns by axis which of them are right, and under `all` which are
 * right on all axes.
 */
export async function judgePrompt(
  { axes }: ContrastedPrompt,
  drawings: readonly ShiftedDrawing[],
  renderings: Renderings,
): Promise<Record<string, boolean[]>> {
  const verdicts: Record<string, boolean[]> = {};
  const all = drawings.map(() => true);
  for (const [axis, comparisons] of Object.entries(axes)) {
    const right = await judgeAxis(comparisons, drawings, renderings);
    verdicts[axis] = right;
    for (const [i, isRight] of right.entries()) all[i] &&= isRight;
  }
  return { ...verdicts, [ALL]: all };
}

/** Returns the chances of a prompt's axes: one of the number of renderings that are compared. */
export function chancesOf({ axes }: ContrastedPrompt): Record<string, number> {
  const chances: Record<string, number> = {};
  const union = new Set<string>();
  for (const [axis, [comparison]] of Object.entries(axes)) {
    const contrasts = comparison?.contrasts() ?? [];
    chances[axis] = 1 / (1 + contrasts.length);
    for (const name of contrasts) union.add(name);
  }
  return { ...chances, [ALL]: 1 / (1 + union.size) };
}

async function judgeAxis(
  comparisons: readonly Comparison[],
  drawings: readonly ShiftedDrawing[],
  renderings: Renderings,
): Promise<boolean[]> {
  const rights: Float32Array[] = [];
  for (const { right } of comparisons) rights.push(await renderings.featuresOf(right));
  const nearest = drawings.map((drawing) => {
    const distances = rights.map((features) => drawing.distance(features));
    const distance = Math.min(...distances);
    return { drawing, distance, comparison: distances.indexOf(distance), isRight: true };
  });
  for (const [c, comparison] of comparisons.entries()) {
    let open = nearest.filter((one) => one.comparison === c);
    if (open.length === 0) continue;
    for (const name of comparison.contrasts()) {
      const features = await renderings.featuresOf(name);
      if (featureDistance(features, rights[c] as Float32Array) < SAME) continue;
      for (const one of open) one.isRight = !one.drawing.isWithin(features, one.distance);
      open = open.filter(({ isRight }) => isRight);
      if (open.length === 0) break;
    }
  }
  return nearest.map(({ isRight }) => isRight);
}
