// What the test's page runs: a program that draws, as a reader of the README would write it.
import { selectBackend } from '@easel/core';
import { generatePictures, openPictureModel } from '@easel/draw';

/** What is to be drawn, and from where. */
export interface PageRequest {
  /** Address of the model's folder; may be relative to the page. */
  readonly model: string;
  /** Address of the folder with tfjs's WebAssembly. */
  readonly wasmPaths: string;
  readonly prompts: readonly string[];
  readonly images: number;
  readonly seed: number;
}

/** What came of it, as JSON can say it. */
export interface PageAnswer {
  readonly backend: string;
  /** How many weights were loaded, and of how many. */
  readonly weights: readonly (readonly [done: number, total: number])[];
  readonly pictures: readonly {
    readonly prompt: string;
    readonly tokens: readonly number[];
    readonly width: number;
    readonly height: number;
    readonly pixels: readonly number[];
  }[];
}

async function drawInPage({ model, wasmPaths, prompts, images, seed }: PageRequest): Promise<PageAnswer> {
  const { name: backend } = await selectBackend('wasm', { wasmPaths });
  const weights: [number, number][] = [];
  const opened = await openPictureModel(model, { onWeight: (_, done, total) => weights.push([done, total]) });
  const pictures: PageAnswer['pictures'][number][] = [];
  try {
    for await (const { prompt, tokens, pixels } of generatePictures(opened, { prompts, images, seed })) {
      const { width, height, data } = pixels;
      pictures.push({ prompt, tokens: [...tokens], width, height, pixels: [...data] });
    }
  } finally {
    opened.dispose();
  }
  return { backend, weights, pictures };
}

Object.assign(globalThis, { drawInPage });
