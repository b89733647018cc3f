import { type HubName, parseHubName } from './model-name.js';

/**
 * The VQGANs of text models whose repositories hold none, by the config's `model_type`. DALL·E mini
 * and mega draw with this one at this commit, says the original's inference notebook (VQGAN_REPO,
 * VQGAN_COMMIT_ID).
 */
const VQGANS: Readonly<Record<string, string>> = {
  dallebart: 'hf:dalle-mini/vqgan_imagenet_f16_16384@e93a26e7707683d349bf5d5c41c5b0ef69b677a9',
};

/**
 * The repository of the VQGAN that a text model was trained with, by the text of its config.json;
 * undefined where none is known, and for models that need none.
 */
export function companionOf(config: string): HubName | undefined {
  let type: unknown;
  try {
    type = JSON.parse(config)?.model_type;
  } catch {
    return undefined; // those who open the model report it
  }
  const name = typeof type === 'string' ? VQGANS[type] : undefined;
  return name === undefined ? undefined : parseHubName(name);
}
