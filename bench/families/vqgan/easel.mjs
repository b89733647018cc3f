import {
  adversarialStep,
  initializeDiscriminator,
  initializeVqgan,
  PatchDiscriminator,
  parseVqganConfig,
  tamingAdam,
  Vqgan,
} from '@easel/vqgan';

function vqgan({ core }, { size, ch, mult, blocks, attention, z, embed, codes, groups }) {
  const model = new Vqgan(
    parseVqganConfig({
      ...{ resolution: size, ch, ch_mult: mult, num_res_blocks: blocks, attn_resolutions: attention },
      ...{ z_channels: z, embed_dim: embed, n_embed: codes, norm_groups: groups },
    }),
  );
  initializeVqgan(model, core.prngKey(1));
  return model;
}

const pictures = ({ random }, { batch, size }) => random([batch, size, size, 3], 0.5).add(0.5);

export const kinds = {
  vqgan_encode(given, args) {
    const model = vqgan(given, args);
    const pixels = pictures(given, args);
    return () => model.encode(pixels);
  },

  vqgan_train(given, args) {
    const model = vqgan(given, args);
    const discriminator = new PatchDiscriminator({ layers: 2, width: 32 });
    initializeDiscriminator(discriminator, given.core.prngKey(2));
    const parts = {
      discriminator,
      generatorOptimizer: tamingAdam(1e-4),
      discriminatorOptimizer: tamingAdam(1e-4),
    };
    const pixels = pictures(given, args);
    return async () => void (await adversarialStep(model, pixels, 0, parts));
  },
};
