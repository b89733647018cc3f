import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';

const shapes = ['circle', 'square', 'bar', 'ring'] as const;
const colours = ['red', 'green', 'blue', 'black', 'orange'] as const;

/** Draws `count` different small pictures with a caption file each, as 'red-circle.png' and 'red-circle.txt' (two captions). */
export async function drawPictures(folder: string, count: number, size = 16): Promise<string[]> {
  const names: string[] = [];
  for (let i = 0; i < count; i++) {
    const shape = shapes[i % shapes.length] as string;
    const colour = colours[Math.floor(i / shapes.length) % colours.length] as string;
    const name = `${colour}-${shape}${i >= shapes.length * colours.length ? `-${i}` : ''}`;
    const figure = {
      circle: '<circle cx="8" cy="8" r="6"/>',
      square: '<rect x="3" y="3" width="10" height="10"/>',
      bar: '<rect x="6" y="1" width="4" height="14"/>',
      ring: '<path fill-rule="evenodd" d="M8 1a7 7 0 1 0 .1 0zM8 5a3 3 0 1 0 .1 0z"/>',
    }[shape];
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16"><rect width="16" height="16" fill="white"/><g fill="${colour}">${figure}</g></svg>`;
    const path = join(folder, `${name}.png`);
    mkdirSync(dirname(path), { recursive: true });
    await sharp(Buffer.from(svg)).resize(size, size).png().toFile(path);
    writeFileSync(join(folder, `${name}.txt`), `a ${colour} ${shape}\n${shape} in ${colour}\n`);
    names.push(`${name}.png`);
  }
  return names.sort();
}
