import { ConfigError } from '@easel/core';
import { vqganConfigToJson } from '@easel/vqgan';
import { openVqgan } from '@easel/vqgan/node';
import { readManifest, type SetOrigin } from '../encoded/manifest.js';
import { codebookPrint, samePrint } from '../encoding/codebook-print.js';
import { modelDigest } from '../encoding/model-digest.js';
import { loadingOptions, type OnLoading } from '../run/loading.js';

/**
 * Throws ConfigError if one of the encoded sets was made by another VQGAN than the one in a folder,
 * or than another set, since the same codes would then stand for other pictures. A set without a manifest is accepted. A
 * set with an old manifest is accepted if the folder holds only the half of a VQGAN that draws.
 */
export async function requireEncodingVqgan(
  folder: string | null,
  sets: readonly string[],
  tell?: OnLoading,
): Promise<void> {
  const found = await Promise.all(
    sets.map(async (set) => ({ set, manifest: await readManifest(set).catch(() => undefined) })),
  );
  const made = found.flatMap(({ set, manifest }) => {
    const origin: Partial<SetOrigin> | undefined = manifest?.origin;
    const { codebookPrint: print } = manifest ?? {};
    return origin?.vqgan === undefined ? [] : [{ set, digest: origin.vqgan, print }];
  });
  requireSameVqgan(made);
  if (folder === null || made.length === 0) return;
  const options = loadingOptions('the VQGAN', tell);
  const vqgan = await openVqgan(folder, options).catch(() =>
    openVqgan(folder, { ...options, decoderOnly: true }),
  );
  try {
    const weights = vqgan.namedWeights();
    const isWhole = [...weights.keys()].some((name) => name.startsWith('encoder.'));
    const ours = await codebookPrint(weights);
    const digest = isWhole ? await modelDigest(vqganConfigToJson(vqgan.config), weights) : undefined;
    for (const { set, digest: theirs, print } of made) {
      const same = print === undefined ? digest === undefined || digest === theirs : samePrint(print, ours);
      if (!same)
        throw new ConfigError(
          `Training: the set ${set} was encoded with another VQGAN than the one in ${folder}, so its codes would be other pictures. Set vqgan to the folder that was given to easel encode --vqgan, or encode the pictures again with this one.`,
        );
    }
  } finally {
    vqgan.dispose();
  }
}

/** A set's VQGAN by its manifest. */
interface MadeSet {
  readonly set: string;
  readonly digest: string;
  readonly print: readonly number[] | undefined;
}

function requireSameVqgan(made: readonly MadeSet[]): void {
  const [first, ...others] = made;
  for (const { set, digest, print } of others) {
    if (first === undefined || digest === first.digest) continue;
    if (print !== undefined && first.print !== undefined && samePrint(print, first.print)) continue;
    throw new ConfigError(
      `Training: the sets ${first.set} and ${set} were encoded with different VQGANs, so the same codes are other pictures in them. Encode both with the same VQGAN.`,
    );
  }
}
