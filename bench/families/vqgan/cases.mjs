// VQGANs with random weights. The encoding rows use the published f16-16384 model: 256×256 pictures
// → 16×16 codes. `easel encode` spends its time on this. The training rows use the embedded model's
// size, 64×64, and a step of taming's: an update of the VQGAN by L1, codebook and adversarial loss,
// then one of the discriminator, both by Adam.
const F16 = {
  size: 256,
  ch: 128,
  mult: [1, 1, 2, 2, 4],
  blocks: 2,
  attention: [16],
  z: 256,
  embed: 256,
  codes: 16384,
  groups: 32,
};
const SMALL = {
  size: 64,
  ch: 32,
  mult: [1, 1, 2, 4],
  blocks: 1,
  attention: [8],
  z: 128,
  embed: 32,
  codes: 1024,
  groups: 8,
};

/** Multiply-adds of an encoder and the choice of codes for a picture. */
function encoderProducts({ size, ch, mult, blocks, attention, z, embed, codes }) {
  const conv = (places, kernel, from, to) => places * kernel * from * to;
  const block = (places, from, to) =>
    conv(places, 9, from, to) + conv(places, 9, to, to) + (from === to ? 0 : conv(places, 1, from, to));
  const attend = (places, width) => 4 * conv(places, 1, width, width) + 2 * places * places * width;
  let side = size;
  let width = ch;
  let sum = conv(side * side, 9, 3, ch);
  mult.forEach((factor, level) => {
    for (let i = 0; i < blocks; i++) {
      sum += block(side * side, width, ch * factor);
      width = ch * factor;
      if (attention.includes(side)) sum += attend(side * side, width);
    }
    if (level === mult.length - 1) return;
    side /= 2;
    sum += conv(side * side, 9, width, width);
  });
  const places = side * side;
  sum += 2 * block(places, width, width) + attend(places, width) + conv(places, 9, width, z);
  return sum + conv(places, 1, z, embed) + conv(places, 1, embed, codes);
}

export const cases = [4, 8].map((batch) => ({
  name: `vqgan_encode_f16_256sq_b${batch}`,
  kind: 'vqgan_encode',
  args: { batch, ...F16 },
  flop: 2 * batch * encoderProducts(F16),
  alone: ['torch'],
}));
cases.push({
  name: 'train_vqgan_adversarial_64sq_b8',
  kind: 'vqgan_train',
  args: { batch: 8, ...SMALL },
  alone: ['torch'],
});
