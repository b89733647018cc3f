// From a scene to its pixels.
import { COLOURS, recolour } from './colours.mjs';
import { groundPixels } from './grounds.mjs';
import { STYLES } from './styles.mjs';
import { thingColour, thingPixels } from './things.mjs';

/** Lays RGBA over RGB, both square, at x, y; what lies outside is cut off. */
function layOver(rgb, size, alpha, rgba, side, x, y) {
  for (let row = Math.max(0, -y); row < side && y + row < size; row++)
    for (let column = Math.max(0, -x); column < side && x + column < size; column++) {
      const from = (row * side + column) * 4;
      const opacity = rgba[from + 3] / 255;
      if (opacity === 0) continue;
      const to = (y + row) * size + x + column;
      for (let k = 0; k < 3; k++)
        rgb[to * 3 + k] = Math.round(rgb[to * 3 + k] + opacity * (rgba[from + k] - rgb[to * 3 + k]));
      alpha[to] = Math.max(alpha[to], rgba[from + 3]);
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
