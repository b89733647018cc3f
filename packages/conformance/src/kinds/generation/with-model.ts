import type { GoldenFolder } from '../../kind.js';
import type { AnyBart } from '../bart/open-model.js';
import { openModel, planOf } from '../bart/open-model.js';

/** Runs `use` with the model of a folder, and frees the model afterwards. */
export async function withModel<R>(folder: GoldenFolder, use: (model: AnyBart) => Promise<R>): Promise<R> {
  const model = await openModel(planOf(folder), folder);
  try {
    return await use(model);
  } finally {
    model.dispose();
  }
}
