import { chains } from './chains.js';
import { Chance } from './chance.js';
import { gathered, segments } from './places.js';
import { binary, type Family, mixed, unary } from './pointwise.js';
import { products } from './products.js';
import type { FuzzProgram } from './program.js';
import { alongAxis, norms, reductions } from './reductions.js';
import { blocks, made, movement, stridedSlice } from './shapes.js';
import { strings } from './strings.js';
import { convolutions, pictures, pools, volumes } from './windows.js';

/** What programs are drawn of, and how often, in parts of their sum. */
const FAMILIES: Readonly<Record<string, readonly [draw: Family, share: number]>> = {
  unary: [unary, 3],
  binary: [binary, 3],
  mixed: [mixed, 2],
  movement: [movement, 4],
  stridedSlice: [stridedSlice, 2],
  blocks: [blocks, 1],
  made: [made, 1],
  reductions: [reductions, 3],
  alongAxis: [alongAxis, 2],
  norms: [norms, 1],
  gathered: [gathered, 3],
  segments: [segments, 3],
  strings: [strings, 3],
  convolutions: [convolutions, 4],
  volumes: [volumes, 1],
  pools: [pools, 3],
  pictures: [pictures, 3],
  products: [products, 2],
  chains: [chains, 5],
};

const WHEEL = Object.entries(FAMILIES).flatMap(([name, [, share]]) =>
  Array.from({ length: share }, () => name),
);

/** The program of a seed: the same on every machine. */
export function drawProgram(seed: number): FuzzProgram {
  const chance = new Chance(seed);
  const family = WHEEL[seed % WHEEL.length] as string;
  const [draw] = FAMILIES[family] as readonly [Family, number];
  return { family, ...draw(chance) };
}

/** A number of a program's text: another one where the way that programs are drawn has changed. */
export function digestOf(program: FuzzProgram): number {
  let digest = 0;
  for (const character of JSON.stringify(program))
    digest = (Math.imul(digest, 31) + character.charCodeAt(0)) | 0;
  return digest;
}
