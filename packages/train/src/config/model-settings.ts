import { readJsonFile } from '@easel/core/node';

/**
 * What a training config's `model` says, itself or in the file that it names; `file`: its name for
 * messages.
 */
export async function modelSettings(
  model: unknown,
): Promise<{ readonly json: unknown; readonly file: string }> {
  return typeof model === 'string'
    ? { json: await readJsonFile(model), file: model }
    : { json: model, file: 'model' };
}
