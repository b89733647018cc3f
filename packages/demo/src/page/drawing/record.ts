import type { DrawingRequest } from './drawer.js';

/** How a picture was made, as JSON in the form of its file. */
export function recordJson({
  prompt,
  index,
  seed,
  model,
  settings,
}: Omit<DrawingRequest, 'images'> & { readonly index: number; readonly model: string }): string {
  const { topK, topP, temperature, conditionScale } = settings;
  return JSON.stringify(
    { prompt, index, seed, model, top_k: topK, top_p: topP, temperature, condition_scale: conditionScale },
    null,
    2,
  );
}
