import type { OpenOptions } from '@easel/core';
import type { CaptionScorer } from '@easel/train';
import { modelDigest } from '@easel/train/internals';

/**
 * Opens a CLIP folder as the scorer of encoded rows. CLIP is loaded only here, since most encoding
 * needs none.
 */
export async function openCaptionScorer(
  folder: string,
  options: OpenOptions = {},
): Promise<CaptionScorer & { dispose(): void }> {
  const { openClip } = await import('@easel/clip/node');
  const { clipConfigToJson } = await import('@easel/clip');
  const { scorer, clip, dispose } = await openClip(folder, options);
  return {
    digest: await modelDigest(clipConfigToJson(clip.config), clip.namedWeights()),
    async score(captions, pixels, size) {
      const bytes = size * size * 3;
      const pictures = captions.map((_, i) => ({
        data: pixels.subarray(i * bytes, (i + 1) * bytes),
        width: size,
        height: size,
        channels: 3 as const,
      }));
      return scorer.scorePairs(captions, pictures);
    },
    dispose,
  };
}
