import type { VqganConfig } from './config.js';

/**
 * Predicts the bytes of tensors that live at most while one picture is decoded, from latents to
 * pixels. It counts as the layers' tf.tidy frees: a block frees its own at its end, a level those of
 * its blocks, the decoder those of its levels. Scratch of a backend's kernels is not in it. `fused`
 * says whether the backend has fused kernels of norms and attention. Plain operations hold up to
 * twice as much, and attention's scores.
 */
export function decoderBytes(config: VqganConfig, fused: boolean): number {
  const { ch, chMult, numResBlocks, attnResolutions, resolution, resampWithConv } = config;
  const top = chMult.length - 1;
  const smallest = Math.floor(resolution / 2 ** top);
  const widthOf = (level: number): number => ch * (chMult[Math.min(level, top)] as number);
  const live = new LiveNumbers();

  // A 1×1 convolution of attention holds its product and, with the bias, its result.
  const resBlock = (places: number, from: number, to: number): void =>
    live.layer(places * to, places * (from + 4 * to + (from === to ? 0 : to))); // 2 norms, 2 convolutions, sum; shortcut
  const attnBlock = (places: number, width: number): void =>
    live.layer(places * width, places * (11 * width + (fused ? 0 : places))); // norm, 4 convolutions, mix, sum; scores

  let places = smallest ** 2;
  live.hold(places * (config.embedDim + config.zChannels + widthOf(top)));
  live.group(() => {
    resBlock(places, widthOf(top), widthOf(top));
    attnBlock(places, widthOf(top));
    resBlock(places, widthOf(top), widthOf(top));
  });
  for (let level = top; level >= 0; level--) {
    const width = widthOf(level);
    live.group(() => {
      for (let block = 0; block <= numResBlocks; block++) {
        resBlock(places, block === 0 ? widthOf(level + 1) : width, width);
        if (attnResolutions.includes(Math.sqrt(places))) attnBlock(places, width);
      }
      if (level === 0) return;
      places *= 4;
      live.layer(places * width, resampWithConv ? 2 * places * width : places * width);
    });
  }
  const pixels = places * (config.givePreEnd ? widthOf(0) : config.outCh);
  live.layer(pixels, places * widthOf(0) + 3 * pixels); // norm, pixels, pixels in [0, 1]
  return 4 * live.most * (fused ? 1 : 2);
}

/** Counts the numbers that live at a time, and their maximum. */
class LiveNumbers {
  most = 0;
  private held = 0;
  /** Numbers of the newest layer's result. */
  private newest = 0;

  hold(numbers: number): void {
    this.held += numbers;
    this.newest = numbers;
    this.most = Math.max(this.most, this.held);
  }

  /** A layer that holds `inside` numbers at its end, its result with them, and then its result. */
  layer(result: number, inside: number): void {
    this.most = Math.max(this.most, this.held + inside);
    this.hold(result);
  }

  /** Layers of which only the last one's result stays at the end. */
  group(layers: () => void): void {
    const before = this.held;
    layers();
    this.held = before + this.newest;
  }
}
