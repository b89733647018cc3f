// From a scene to its pixels.
import { COLOURS, recolour } from './colours.mjs';
import { groundPixels } from './grounds.mjs';
import { STYLES } from './styles.mjs';
import { thingColour, thingPixels } from './things.mjs';

/** Lays RGBA over RGB, both square, at x, y; what lies outside is cut off. */
function layOver(rgb, size, alpha, rgba, side, x, y) {
  const [left, right] = [Math.max(0, -x), Math.min(side, size - x)];
  const bottom = Math.min(side, size - y);
  for (let row = Math.max(0, -y); row < bottom; row++) {
    let from = (row * side + left) * 4;
    let to = (y + row) * size + x + left;
    for (let column = left; column < right; column++, from += 4, to++) {
      const own = rgba[from + 3];
      if (own === 0) continue;
      const at = to * 3;
      if (own === 255) {
        rgb[at] = rgba[from];
        rgb[at + 1] = rgba[from + 1];
        rgb[at + 2] = rgba[from + 2];
        alpha[to] = 255;
        continue;
      }
      const opacity = own / 255;
      // Sums are positive, so that adding a half and cutting off rounds.
      rgb[at] = rgb[at] + opacity * (rgba[from] - rgb[at]) + 0.5;
      rgb[at + 1] = rgb[at + 1] + opacity * (rgba[from + 1] - rgb[at + 1]) + 0.5;
      rgb[at + 2] = rgb[at + 2] + opacity * (rgba[from + 2] - rgb[at + 2]) + 0.5;
      if (own > alpha[to]) alpha[to] = own;
    }
  }
}

/**
 * Returns the pixels of a scene: RGB bytes [size · size · 3].
 *
 * @param {import('./scenes.mjs').Scene} scene
 * @param {number} size side in pixels, a multiple of 16
 */
export async function renderScene(scene, size = 128) {
  const rgb = groundPixels(scene.ground, size, scene.groundTurn);
  const alpha = new Uint8Array(size * size);
  for (const { id, colour, turn, size: side, x, y } of scene.things) {
    const pixels = Math.round((side * size) / 128);
    let rgba = await thingPixels(id, pixels);
    if (colour !== null) rgba = recolour(rgba, await thingColour(id), COLOURS[colour], turn);
    layOver(rgb, size, alpha, rgba, pixels, Math.round((x * size) / 128), Math.round((y * size) / 128));
  }
  return scene.style === null ? rgb : STYLES[scene.style].apply(rgb, size, alpha);
}
