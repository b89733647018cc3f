// Colours by name, and things in another colour. Hue, chroma and lightness are those of OKLCH
// (B. Ottosson, "A perceptual color space for image processing", 2020).

/** The twelve colours of captions: OKLCH lightness, chroma, and hue in degrees. */
export const COLOURS = {
  red: { lightness: 0.58, chroma: 0.23, hue: 27 },
  orange: { lightness: 0.75, chroma: 0.18, hue: 58 },
  yellow: { lightness: 0.88, chroma: 0.17, hue: 98 },
  green: { lightness: 0.63, chroma: 0.18, hue: 145 },
  turquoise: { lightness: 0.8, chroma: 0.12, hue: 192 },
  blue: { lightness: 0.55, chroma: 0.2, hue: 260 },
  purple: { lightness: 0.5, chroma: 0.22, hue: 302 },
  pink: { lightness: 0.78, chroma: 0.15, hue: 353 },
  brown: { lightness: 0.44, chroma: 0.08, hue: 55 },
  black: { lightness: 0.22, chroma: 0, hue: 0 },
  white: { lightness: 0.95, chroma: 0, hue: 0 },
  grey: { lightness: 0.66, chroma: 0, hue: 0 },
};

export const COLOUR_NAMES = Object.keys(COLOURS);

const toLinear = Float32Array.from({ length: 256 }, (_, i) => {
  const v = i / 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
});

/** Linear light in [0, 1] → sRGB byte, by a table of 4,096 steps, which is finer than a byte. */
const STEPS = 4096;
const toByte = Uint8Array.from({ length: STEPS + 1 }, (_, i) => {
  const v = i / STEPS;
  return Math.round(255 * (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055));
});
const byteOf = (v) => toByte[Math.round(STEPS * Math.min(1, Math.max(0, v)))];

/** Writes OKLab [L, a, b] of the sRGB bytes at `at` of `rgb` to `out`. */
function toLab(rgb, at, out) {
  const r = toLinear[rgb[at]];
  const g = toLinear[rgb[at + 1]];
  const b = toLinear[rgb[at + 2]];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  out[0] = 0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s;
  out[1] = 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s;
  out[2] = 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s;
}

const cube = (v) => v * v * v;

/** Bounds of linear light in sRGB, with some room for rounding. */
const [LEAST, MOST] = [-0.001, 1.001];

/** Writes linear RGB of OKLab to `out` and says whether it is a colour that sRGB has. */
function toRgb(L, a, b, out) {
  const l = cube(L + 0.3963377774 * a + 0.2158037573 * b);
  const m = cube(L - 0.1055613458 * a - 0.0638541728 * b);
  const s = cube(L - 0.0894841775 * a - 1.291485548 * b);
  const red = 4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s;
  const green = -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s;
  const blue = -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s;
  out[0] = red;
  out[1] = green;
  out[2] = blue;
  return red > LEAST && green > LEAST && blue > LEAST && red < MOST && green < MOST && blue < MOST;
}

const linear = new Float64Array(3);

/**
 * Writes the sRGB bytes of an OKLCH colour. A colour outside of sRGB loses chroma until it fits:
 * lightness and hue stay.
 */
function writeLch(L, chroma, hue, out, at) {
  const light = Math.min(1, Math.max(0, L));
  const cos = Math.cos(hue);
  const sin = Math.sin(hue);
  if (!toRgb(light, chroma * cos, chroma * sin, linear)) {
    let fits = 0;
    let over = chroma;
    for (let i = 0; i < 8; i++) {
      const c = (fits + over) / 2;
      if (toRgb(light, c * cos, c * sin, linear)) fits = c;
      else over = c;
    }
    toRgb(light, fits * cos, fits * sin, linear);
  }
  out[at] = byteOf(linear[0]);
  out[at + 1] = byteOf(linear[1]);
  out[at + 2] = byteOf(linear[2]);
}

const RADIANS = Math.PI / 180;

/** sRGB bytes of a colour; `turn` degrees are added to its hue. */
export function rgbOf({ lightness, chroma, hue }, turn = 0) {
  const out = [0, 0, 0];
  writeLch(lightness, chroma, (hue + turn) * RADIANS, out, 0);
  return out;
}

/** Pixels of less chroma have no hue that a person would name. */
const CHROMATIC = 0.05;

/** Distance of two hues in degrees, at most 180. */
const hueDistance = (a, b) => Math.abs(((((a - b) % 360) + 540) % 360) - 180);

/**
 * What a drawing's colour is, from its pixels (RGBA bytes).
 *
 * `coloured` is the share of its opaque pixels that have a hue, `concentration` the share of their
 * chroma within 35° of the mean hue. `lightness` and `chroma` are means over the pixels that have a
 * hue, or over all if few have one; `spread` is the standard deviation of the lightness.
 */
export function measureColour(rgba) {
  const lab = [0, 0, 0];
  let opaque = 0;
  const pixels = [];
  for (let i = 0; i < rgba.length; i += 4) {
    if (rgba[i + 3] < 128) continue;
    opaque++;
    toLab(rgba, i, lab);
    pixels.push([lab[0], Math.hypot(lab[1], lab[2]), Math.atan2(lab[2], lab[1]) / RADIANS]);
  }
  const withHue = pixels.filter(([, chroma]) => chroma > CHROMATIC);
  let x = 0;
  let y = 0;
  for (const [, chroma, hue] of withHue) {
    x += chroma * Math.cos(hue * RADIANS);
    y += chroma * Math.sin(hue * RADIANS);
  }
  const hue = (Math.atan2(y, x) / RADIANS + 360) % 360;
  let near = 0;
  let all = 0;
  for (const [, chroma, own] of withHue) {
    all += chroma;
    if (hueDistance(own, hue) <= 35) near += chroma;
  }
  const coloured = withHue.length / Math.max(1, opaque);
  const of = coloured > 0.2 ? withHue : pixels;
  const mean = (k) => of.reduce((sum, pixel) => sum + pixel[k], 0) / Math.max(1, of.length);
  const lightness = mean(0);
  const spread = Math.sqrt(of.reduce((sum, [L]) => sum + (L - lightness) ** 2, 0) / Math.max(1, of.length));
  return {
    coloured,
    concentration: all === 0 ? 0 : near / all,
    hue,
    chroma: mean(1),
    lightness,
    spread,
  };
}

/**
 * Whether a drawing is of one colour, so that it can be another: at least half of it has a hue that
 * is no faint one, and 90 % of its chroma is of one hue; or nearly nothing of it has a hue, and its lightness varies
 * little.
 */
export function isOneColoured({ coloured, concentration, chroma, spread }) {
  return (coloured >= 0.5 && concentration >= 0.9 && chroma >= 0.08) || (coloured <= 0.1 && spread <= 0.22);
}

/** 0 below `from`, 1 above `to`, smooth between. */
function smooth(from, to, v) {
  const t = Math.min(1, Math.max(0, (v - from) / (to - from)));
  return t * t * (3 - 2 * t);
}

/**
 * Returns a drawing (RGBA bytes) in another colour. The pixels of the drawing's own hue take the
 * colour's hue, and their lightness and chroma are moved so that their means are the colour's;
 * light and shade stay. Pixels of other hues stay, and in a drawing with a hue so do grey ones
 * (eyes, glints).
 *
 * @param {Uint8Array} rgba
 * @param {object} own what measureColour says of the drawing
 * @param {{lightness: number, chroma: number, hue: number}} colour
 * @param {number} turn degrees that are added to the colour's hue
 */
export function recolour(rgba, own, colour, turn = 0) {
  const out = Uint8Array.from(rgba);
  const lab = new Float64Array(3);
  const bytes = new Uint8Array(3);
  const neutral = own.coloured <= 0.2;
  // Near black and white there is less room for light and shade.
  const room = Math.min(1, 2.2 * Math.min(colour.lightness, 1.06 - colour.lightness));
  for (let i = 0; i < rgba.length; i += 4) {
    if (rgba[i + 3] === 0) continue;
    toLab(rgba, i, lab);
    const chroma = Math.hypot(lab[1], lab[2]);
    const hue = Math.atan2(lab[2], lab[1]) / RADIANS;
    const weight = neutral
      ? 1 - smooth(0.06, 0.1, chroma)
      : smooth(0.015, 0.06, chroma) * (1 - smooth(50, 80, hueDistance(hue, own.hue)));
    if (weight === 0) continue;
    const lightness = colour.lightness + room * (lab[0] - own.lightness);
    const relative = neutral ? 1 : Math.min(1.3, chroma / own.chroma);
    const turned = neutral ? 0 : 0.4 * (((((hue - own.hue) % 360) + 540) % 360) - 180);
    writeLch(lightness, colour.chroma * relative, (colour.hue + turn + turned) * RADIANS, bytes, 0);
    for (let k = 0; k < 3; k++) out[i + k] = Math.round(rgba[i + k] + weight * (bytes[k] - rgba[i + k]));
  }
  return out;
}
