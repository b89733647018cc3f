// Styles: what happens to a whole picture. Each is a rule that holds for every thing, so that a
// model can learn the style apart from the things.

const luma = (rgb, at) => 0.299 * rgb[at] + 0.587 * rgb[at + 1] + 0.114 * rgb[at + 2];

/** Each pixel's own new colour, of its brightness. */
const byLuma = (scale, shift) => (rgb) => {
  const out = new Uint8ClampedArray(rgb.length); // it rounds, and cuts at 0 and 255
  for (let i = 0; i < rgb.length; i += 3) {
    const v = luma(rgb, i);
    for (let k = 0; k < 3; k++) out[i + k] = v * scale[k] + shift[k];
  }
  return new Uint8Array(out.buffer);
};

/** Each pixel's new colour by what `f` says of its number and its place in `rgb`. */
function perChannel(rgb, f) {
  const out = new Uint8ClampedArray(rgb.length);
  for (let p = 0; p * 3 < rgb.length; p++) for (let k = 0; k < 3; k++) out[3 * p + k] = f(p, 3 * p + k);
  return new Uint8Array(out.buffer);
}

/** Sobel's gradient magnitude of the colours, the greatest of the three channels, [size · size]. */
function edges(rgb, size) {
  const out = new Float32Array(size * size);
  const last = size - 1;
  for (let y = 0; y < size; y++) {
    const above = Math.max(0, y - 1) * size;
    const here = y * size;
    const below = Math.min(last, y + 1) * size;
    for (let x = 0; x < size; x++) {
      const left = Math.max(0, x - 1);
      const right = Math.min(last, x + 1);
      let most = 0;
      for (let k = 0; k < 3; k++) {
        const nw = rgb[(above + left) * 3 + k];
        const ne = rgb[(above + right) * 3 + k];
        const sw = rgb[(below + left) * 3 + k];
        const se = rgb[(below + right) * 3 + k];
        const dx = ne + 2 * rgb[(here + right) * 3 + k] + se - nw - 2 * rgb[(here + left) * 3 + k] - sw;
        const dy = sw + 2 * rgb[(below + x) * 3 + k] + se - nw - 2 * rgb[(above + x) * 3 + k] - ne;
        most = Math.max(most, dx * dx + dy * dy);
      }
      out[here + x] = Math.sqrt(most);
    }
  }
  return out;
}

export const STYLES = {
  'black and white': {
    before: ['a black and white ', 'a grayscale '],
    after: [' in black and white', ', black and white', ' without colour'],
    apply: byLuma([1, 1, 1], [0, 0, 0]),
  },
  silhouette: {
    before: ['the silhouette of ', 'a silhouette of '],
    after: [' as a silhouette', ', silhouette'],
    /** White stays white: the thing lies on white. */
    apply: (rgb, _size, alpha) => perChannel(rgb, (p) => 255 - 0.9 * alpha[p]),
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
      return perChannel(rgb, (p) => 255 - 215 * Math.min(1, strength[p] / 360));
    },
  },
  sepia: {
    before: ['an old photo of ', 'a sepia picture of '],
    after: [' in sepia', ', sepia', ' as an old photo'],
    apply: byLuma([0.97, 0.86, 0.68], [8, 2, 0]),
  },
  neon: {
    before: ['a neon sign of ', 'a glowing '],
    after: [' as a neon sign', ', neon', ' in neon light'],
    apply: (rgb, size) => {
      const strength = edges(rgb, size);
      return perChannel(rgb, (p, at) => {
        const dark = Math.min(rgb[3 * p], rgb[3 * p + 1], rgb[3 * p + 2]);
        const glow = Math.min(1, strength[p] / 300);
        return 18 + 237 * glow * Math.min(1, 0.25 + (rgb[at] - dark) / 160);
      });
    },
  },
};

export const STYLE_NAMES = Object.keys(STYLES);
