import { readJsonFile } from '@easel/core/node';

/**
 * Returns the settings of a training config's `model`, which are in the config itself or in the
 * file that it names. `file` is the config's name for messages.
 */
export async function modelSettings(
  model: unknown,
): Promise<{ readonly json: unknown; readonly file: string }> {
  return typeof model === 'string'
    ? { json: await readJsonFile(model), file: model }
    : { json: model, file: 'model' };
}
