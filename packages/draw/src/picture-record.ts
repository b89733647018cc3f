/** What a picture's file says of how it was made; `easel inspect` prints it. */
export interface PictureRecord {
  readonly prompt: string;
  /** Number of the picture among those of its prompt, from 0. */
  readonly index: number;
  readonly seed: number;
  /** Name of the model. */
  readonly model: string;
  /** The search and its settings, as `searchToJson` writes them, and what else is known. */
  readonly [more: string]: unknown;
}

/** Returns the text entries of a picture's PNG file. */
export function pictureTexts(record: PictureRecord): ReadonlyMap<string, string> {
  return new Map([
    ['Description', record.prompt],
    ['Software', 'Easel'],
    ['Easel', JSON.stringify(record)],
  ]);
}
