import type { Raster } from '@easel/core';
import type { PicturePlace } from '@easel/draw';
import type { Graphics } from './graphics.js';
import { type BlockLayout, blockLayout, type PictureBlock, pictureBlock } from './picture-block.js';

/** Where a PreviewBoard is shown. */
export interface BoardStream {
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** Kitty's numbers of pictures of this process: 16 bits of its id, and a byte for the place. */
const FIRST_ID = (process.pid % 2 ** 16) * 2 ** 8 + 1;

/**
 * The pictures that are drawn at a time, side by side, as far as they are there. A new picture takes
 * the place of the one that has been finished for the longest time.
 */
export class PreviewBoard {
  private readonly graphics: Graphics;
  private readonly atATime: number;
  private readonly stream: BoardStream;
  private readonly show: (block: PictureBlock) => void;
  /** The pictures by their places on the board. */
  private places: { name: string; pixels: Raster; finished: number | undefined }[] = [];
  private finished = 0;
  private rendering: Promise<void> | undefined;
  private changed = false;

  /** atATime: pictures that are drawn at a time. show: writes a block to the terminal. */
  constructor(graphics: Graphics, atATime: number, stream: BoardStream, show: (block: PictureBlock) => void) {
    this.graphics = graphics;
    this.atATime = atATime;
    this.stream = stream;
    this.show = show;
  }

  /** Puts a picture on the board, or its next state in its place. */
  put({ promptIndex, index }: PicturePlace, pixels: Raster, isFinished: boolean): void {
    const name = `${promptIndex}/${index}`;
    const finished = isFinished ? ++this.finished : undefined;
    const own = this.places.find((place) => place.name === name) ?? this.newPlace();
    if (own === undefined) return; // there is no room for it beside those that are drawn
    Object.assign(own, { name, pixels, finished });
    this.changed = true;
    this.rendering ??= this.render().finally(() => {
      this.rendering = undefined;
    });
  }

  /** Resolves when what was put on the board is shown. */
  async settled(): Promise<void> {
    await this.rendering;
  }

  private layout(): BlockLayout | undefined {
    const { columns, rows } = this.stream; // some terminals say 0
    return blockLayout(this.atATime, { columns: columns || 80, rows: rows || 24 });
  }

  private newPlace(): PreviewBoard['places'][number] | undefined {
    const fitting = this.layout()?.pictures ?? 0;
    this.places = this.places.slice(0, fitting); // the terminal may have become narrower
    if (this.places.length < fitting) {
      const place = {
        name: '',
        pixels: { data: new Uint8Array(3), width: 1, height: 1, channels: 3 },
        finished: 0,
      };
      this.places.push(place);
      return place;
    }
    const done = this.places.filter(({ finished }) => finished !== undefined);
    return done.sort((a, b) => (a.finished as number) - (b.finished as number))[0];
  }

  private async render(): Promise<void> {
    while (this.changed) {
      this.changed = false;
      const layout = this.layout();
      if (layout === undefined) return;
      const pictures = this.places.slice(0, layout.pictures).map(({ pixels }) => pixels);
      this.show(await pictureBlock(pictures, layout, this.graphics, FIRST_ID));
    }
  }
}
