// One step of drawing: a token of each row, from its embedding to the logits, with caches of the
// tokens before it. Two rows are one picture: one with its text and one without. Steps run through
// the 256 places and begin again. The limit reads the decoder's weights once, and half-full caches.
const MINI = {
  rows: 2,
  text: 64,
  length: 256,
  width: 1024,
  heads: 16,
  inner: 2730,
  layers: 12,
  codes: 16385,
};

const weights = ({ width, inner, layers, codes }) =>
  layers * (6 * width * width + 3 * width * inner) + width * codes;
const cached = ({ rows, text, length, width, layers }) => layers * rows * 2 * (text + length / 2) * width;

export const cases = [
  {
    name: 'decode_dalle_mini',
    kind: 'decode',
    args: MINI,
    bytes: { read: 4 * (weights(MINI) + cached(MINI)) },
  },
];
