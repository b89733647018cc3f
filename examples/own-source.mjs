// A data source of one's own: a program that makes pictures, or fetches them from wherever they are. It stands where a
// folder of pictures stands:
//   npx easel train-vqgan configs/train/emoji-vqgan.json --out run --set "data.train=own-source.mjs?count=200"
//   npx easel encode "own-source.mjs?count=200" --vqgan run/model --out encoded
import sharp from 'sharp';

const COLOURS = { red: '#d33', green: '#3a3', blue: '#36c', yellow: '#eb3' };
const SHAPES = {
  circle: '<circle cx="32" cy="32" r="24"/>',
  square: '<path d="M10 10h44v44H10z"/>',
  triangle: '<path d="M32 8 58 54H6z"/>',
};

/** Settings that stand behind the path, as in an address, and their defaults. */
export const options = {
  count: { default: 120, about: 'number of pictures' },
};

/** The same number gives the same picture each time, so that a run can go on at any of them. */
export function open({ count }) {
  const colours = Object.keys(COLOURS);
  const shapes = Object.keys(SHAPES);
  return {
    length: count,
    digest: `shapes, version 1, ${count}`, // another one whenever a picture is another one
    picture(n) {
      const colour = colours[n % colours.length];
      const shape = shapes[Math.floor(n / colours.length) % shapes.length];
      const turn = (n * 37) % 20; // so that no two are alike
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="#fff"/><g fill="${COLOURS[colour]}" transform="rotate(${turn} 32 32)">${SHAPES[shape]}</g></svg>`;
      return {
        file: `${n}.png`,
        captions: [`a ${colour} ${shape}`],
        bytes: () => sharp(Buffer.from(svg)).png().toBuffer(),
      };
    },
  };
}
