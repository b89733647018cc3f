import { createHash } from 'node:crypto';
import type { CaptionScorer } from '@easel/train';

/** A CLIP folder as what gives encoded rows their scores. Loaded here, since most encoding needs none. */
export async function openCaptionScorer(folder: string): Promise<CaptionScorer & { dispose(): void }> {
  const { openClip } = await import('@easel/clip/node');
  const { clipConfigToJson } = await import('@easel/clip');
  const { scorer, clip, dispose } = await openClip(folder);
  const hash = createHash('sha256').update(JSON.stringify(clipConfigToJson(clip.config)));
  for (const [name, weight] of clip.namedWeights()) hash.update(name).update(await weight.data());
  return {
    digest: hash.digest('hex'),
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
