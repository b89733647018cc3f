// What things stand on: plain colours, gradients, and a few simple grounds.
import { COLOUR_NAMES, COLOURS, rgbOf } from './colours.mjs';

/** Colours that a gradient goes between. */
const GRADIENT_COLOURS = ['red', 'orange', 'yellow', 'green', 'turquoise', 'blue', 'purple', 'pink'];

/** A number in [0, 1) for a place, the same every time. */
function speckle(x, y) {
  let h = Math.imul(x + 1, 0x9e3779b1) ^ Math.imul(y + 1, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return ((h ^ (h >>> 15)) >>> 0) / 4294967296;
}

const mix = (a, b, t) => a.map((v, i) => v + (b[i] - v) * t);
const clamp = (t) => Math.min(1, Math.max(0, t));

/** Each gives the colour at x, y in [0, 1), and says where things stand (y of their feet). */
export const LANDSCAPES = {
  grass: {
    phrases: ['on the grass', 'on a meadow', 'in the grass', 'on a green lawn'],
    at: (x, y, px, py) => {
      const hill = 0.62 + 0.03 * Math.sin(6 * x);
      if (y < hill) return mix([150, 208, 250], [215, 238, 253], y / hill);
      const blade = 26 * (speckle(px >> 1, py >> 2) - 0.5);
      return mix([124, 200, 80], [66, 150, 52], clamp((y - hill) / 0.4)).map((v) => v + blade);
    },
  },
  sea: {
    phrases: ['on the sea', 'on the water', 'in the ocean', 'at sea'],
    at: (x, y) => {
      if (y < 0.55) return mix([142, 206, 247], [222, 241, 252], y / 0.55);
      const wave = Math.sin(40 * (y - 0.55) + 2 * Math.sin(9 * x)) > 0.75 ? 38 : 0;
      return mix([58, 158, 214], [18, 92, 168], (y - 0.55) / 0.45).map((v) => v + wave);
    },
  },
  'night sky': {
    phrases: ['in the night sky', 'at night', 'under the stars', 'on a starry night'],
    at: (_x, y, px, py) =>
      speckle(px >> 1, py >> 1) > 0.985 ? [255, 246, 205] : mix([14, 18, 58], [52, 50, 118], y),
  },
  desert: {
    phrases: ['in the desert', 'on the sand', 'in a sandy desert'],
    at: (x, y, px, py) => {
      const dune = 0.6 + 0.06 * Math.sin(5 * x + 0.6);
      if (y < dune) return mix([120, 196, 240], [246, 233, 205], y / dune);
      const grain = 14 * (speckle(px, py) - 0.5);
      return mix([238, 202, 134], [214, 162, 88], clamp((y - dune) / 0.4)).map((v) => v + grain);
    },
  },
  snow: {
    phrases: ['in the snow', 'on the snow', 'in a snowy field'],
    at: (x, y, px, py) => {
      const hill = 0.64 + 0.03 * Math.sin(5 * x + 2);
      if (y > hill) return mix([248, 251, 255], [206, 222, 240], clamp((y - hill) / 0.4));
      const flake = speckle(px >> 1, py >> 1) > 0.975;
      return flake ? [255, 255, 255] : mix([138, 160, 190], [190, 206, 226], y / hill);
    },
  },
  sunset: {
    phrases: ['at sunset', 'in the sunset', 'under a red sunset sky'],
    at: (_x, y) =>
      y < 0.72
        ? mix(
            y < 0.4 ? [92, 58, 130] : [240, 110, 80],
            y < 0.4 ? [240, 110, 80] : [255, 206, 110],
            y < 0.4 ? y / 0.4 : (y - 0.4) / 0.32,
          )
        : mix([70, 50, 70], [34, 26, 46], (y - 0.72) / 0.28),
  },
};

export const LANDSCAPE_NAMES = Object.keys(LANDSCAPES);

/** Grounds that were painted, by size and name: those whose colours are not turned. */
const painted = new Map();
/** Grounds of one colour. */
export const PLAIN_GROUNDS = COLOUR_NAMES.filter((colour) => colour !== 'white').map((colour) => ({
  colour,
}));

export const GRADIENTS = GRADIENT_COLOURS.flatMap((from) =>
  GRADIENT_COLOURS.filter((to) => to !== from).map((to) => ({ from, to })),
);

/** All grounds but white. */
export const GROUNDS = [
  ...PLAIN_GROUNDS,
  ...LANDSCAPE_NAMES.map((landscape) => ({ landscape })),
  ...GRADIENTS,
];

/** A ground as text, by which the rule of what is held out knows it. */
export const groundName = (ground) => ground.colour ?? ground.landscape ?? `${ground.from} to ${ground.to}`;

/**
 * Returns a ground as RGB bytes [size · size · 3]. Null is white.
 *
 * @param {null | {colour: string} | {from: string, to: string} | {landscape: string}} ground
 * @param {number} size
 * @param {number} turn degrees that are added to the hue of a colour
 */
export function groundPixels(ground, size, turn = 0) {
  if (ground === null) return new Uint8Array(size * size * 3).fill(255);
  // A landscape has no colours that turn.
  if (turn !== 0 && ground.landscape === undefined) return paint(ground, size, turn);
  const key = `${size} ${JSON.stringify(ground)}`;
  if (!painted.has(key)) painted.set(key, paint(ground, size, 0));
  return painted.get(key).slice();
}

function paint(ground, size, turn) {
  const out = new Uint8Array(size * size * 3);
  let at;
  if (ground.landscape !== undefined) at = LANDSCAPES[ground.landscape].at;
  else if (ground.colour !== undefined) {
    const rgb = rgbOf(COLOURS[ground.colour], turn);
    at = () => rgb;
  } else {
    const from = rgbOf(COLOURS[ground.from], turn);
    const to = rgbOf(COLOURS[ground.to], turn);
    at = (_x, y) => mix(from, to, y);
  }
  for (let py = 0; py < size; py++)
    for (let px = 0; px < size; px++) {
      const rgb = at(px / size, py / size, Math.floor((128 * px) / size), Math.floor((128 * py) / size));
      for (let k = 0; k < 3; k++)
        out[(py * size + px) * 3 + k] = Math.min(255, Math.max(0, Math.round(rgb[k])));
    }
  return out;
}
