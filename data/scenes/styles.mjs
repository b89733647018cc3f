// Styles: what happens to a whole picture. Each is a rule that holds for every thing, so that a
// model can learn the style apart from the things.

const luma = (rgb, at) => 0.299 * rgb[at] + 0.587 * rgb[at + 1] + 0.114 * rgb[at + 2];

/** Each pixel's own new colour. */
const perPixel = (f) => (rgb) => {
  const out = new Uint8Array(rgb.length);
  for (let i = 0; i < rgb.length; i += 3) {
    const colour = f(rgb, i);
    for (let k = 0; k < 3; k++) out[i + k] = Math.min(255, Math.max(0, Math.round(colour[k])));
  }
  return out;
};

/** Sobel's gradient magnitude of the colours, the greatest of the three channels, [size · size]. */
function edges(rgb, size) {
  const out = new Float32Array(size * size);
  const at = (x, y, k) =>
    rgb[(Math.min(size - 1, Math.max(0, y)) * size + Math.min(size - 1, Math.max(0, x))) * 3 + k];
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      for (let k = 0; k < 3; k++) {
        const dx =
          at(x + 1, y - 1, k) +
          2 * at(x + 1, y, k) +
          at(x + 1, y + 1, k) -
          at(x - 1, y - 1, k) -
          2 * at(x - 1, y, k) -
          at(x - 1, y + 1, k);
        const dy =
          at(x - 1, y + 1, k) +
          2 * at(x, y + 1, k) +
          at(x + 1, y + 1, k) -
          at(x - 1, y - 1, k) -
          2 * at(x, y - 1, k) -
          at(x + 1, y - 1, k);
        out[y * size + x] = Math.max(out[y * size + x], Math.hypot(dx, dy));
      }
  return out;
}

export const STYLES = {
  'black and white': {
    before: ['a black and white ', 'a grayscale '],
    after: [' in black and white', ', black and white', ' without colour'],
    apply: perPixel((rgb, i) => {
      const v = luma(rgb, i);
      return [v, v, v];
    }),
  },
  silhouette: {
    before: ['the silhouette of ', 'a silhouette of '],
    after: [' as a silhouette', ', silhouette'],
    /** White stays white: the thing lies on white. */
    apply: (_rgb, _size, alpha) =>
      Uint8Array.from(
        { length: alpha.length * 3 },
        (_, i) => 255 - Math.round(0.9 * alpha[Math.floor(i / 3)]),
      ),
  },
  'pixel art': {
    before: ['pixel art of ', 'a pixelated '],
    after: [' in pixel art', ', pixel art', ' made of pixels'],
    apply: (rgb, size) => {
      const block = size / 16;
      const out = new Uint8Array(rgb.length);
      for (let by = 0; by < 16; by++)
        for (let bx = 0; bx < 16; bx++)
          for (let k = 0; k < 3; k++) {
            let sum = 0;
            for (let y = 0; y < block; y++)
              for (let x = 0; x < block; x++) sum += rgb[((by * block + y) * size + bx * block + x) * 3 + k];
            const mean = Math.round(sum / (block * block));
            for (let y = 0; y < block; y++)
              for (let x = 0; x < block; x++) out[((by * block + y) * size + bx * block + x) * 3 + k] = mean;
          }
      return out;
    },
  },
  drawing: {
    before: ['a pencil drawing of ', 'a line drawing of ', 'a sketch of '],
    after: [' as a pencil drawing', ', line drawing', ' drawn with a pencil'],
    apply: (rgb, size) => {
      const strength = edges(rgb, size);
      return Uint8Array.from(
        { length: rgb.length },
        (_, i) => 255 - Math.round(215 * Math.min(1, strength[Math.floor(i / 3)] / 360)),
      );
    },
  },
  sepia: {
    before: ['an old photo of ', 'a sepia picture of '],
    after: [' in sepia', ', sepia', ' as an old photo'],
    apply: perPixel((rgb, i) => {
      const v = luma(rgb, i);
      return [v * 0.97 + 8, v * 0.86 + 2, v * 0.68];
    }),
  },
  neon: {
    before: ['a neon sign of ', 'a glowing '],
    after: [' as a neon sign', ', neon', ' in neon light'],
    apply: (rgb, size) => {
      const strength = edges(rgb, size);
      return Uint8Array.from({ length: rgb.length }, (_, i) => {
        const p = Math.floor(i / 3);
        const dark = Math.min(rgb[3 * p], rgb[3 * p + 1], rgb[3 * p + 2]);
        const glow = Math.min(1, strength[p] / 300);
        return Math.round(18 + 237 * glow * Math.min(1, 0.25 + (rgb[i] - dark) / 160));
      });
    },
  },
};

export const STYLE_NAMES = Object.keys(STYLES);
