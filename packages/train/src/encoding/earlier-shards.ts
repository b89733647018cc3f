import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { SetChanges } from '../encoded/manifest.js';
import { type EncodedRow, readShard } from '../encoded/shards.js';
import type { CaptionedPicture, PictureSource } from '../sources/picture-source.js';
import {
  captionsDigest,
  contentDigest,
  isSameContent,
  type PicturePrint,
  readPrints,
} from './picture-prints.js';

/** A finished shard of an encoding that was made before. */
export interface EarlierShard {
  readonly folder: string;
  readonly file: string;
}

/** Number of shards whose rows or prints are kept in memory. */
const KEPT_SHARDS = 8;

/**
 * Pictures that were encoded before, in the shards of one encoding or several. Memory holds 16 bytes
 * a picture, and some shards.
 */
export class EarlierShards {
  private readonly shards: readonly EarlierShard[];
  /** Hashes of the pictures' names in rising order, and the place of each picture. */
  private readonly names: BigUint64Array;
  private readonly places: Uint32Array;
  /** Number of pictures before each shard. */
  private readonly before: readonly number[];
  private readonly prints = new Recent<PicturePrint[]>(KEPT_SHARDS);
  private readonly rows = new Recent<Map<string, EncodedRow[]>>(KEPT_SHARDS);

  private constructor(shards: readonly EarlierShard[], names: bigint[], before: readonly number[]) {
    this.shards = shards;
    this.before = before;
    const order = Uint32Array.from(names.keys());
    // Of one name the place that comes last counts, which is that of the newest encoding.
    order.sort((a, b) => {
      const [x, y] = [names[a] as bigint, names[b] as bigint];
      return x < y ? -1 : x > y ? 1 : b - a;
    });
    this.places = order;
    this.names = BigUint64Array.from(order, (place) => names[place] as bigint);
  }

  /** Reads which pictures are in some shards. Of two shards with a picture the later one counts. */
  static async open(shards: readonly EarlierShard[]): Promise<EarlierShards> {
    const names: bigint[] = [];
    const before: number[] = [];
    for (const { folder, file } of shards) {
      before.push(names.length);
      for (const print of await readPrints(folder, file, join(folder, file)))
        names.push(nameHash(print.file));
    }
    return new EarlierShards(shards, names, before);
  }

  /** Compares a source with the pictures. `onCompared` hears how many have been compared. */
  async changesTo(source: PictureSource, onCompared?: (pictures: number) => void): Promise<SetChanges> {
    const changes = { added: 0, changed: 0, recaptioned: 0, removed: 0, same: 0 };
    const names = this.names.reduce((count, name, i) => count + (name === this.names[i - 1] ? 0 : 1), 0);
    let found = 0;
    for await (const picture of source.read()) {
      const print = await this.printOf(picture.file);
      if (print === undefined) changes.added++;
      else {
        if (!(await isSameContent(picture, print))) changes.changed++;
        else if (print.captions === captionsDigest(picture.captions)) changes.same++;
        else changes.recaptioned++;
        found++;
      }
      onCompared?.(changes.added + found);
    }
    return { ...changes, removed: names - found };
  }

  /**
   * Returns a picture's rows with its present captions, and its print, if it is the same as before.
   * With `scored` its captions must be the same too. Returns undefined if it must be encoded.
   */
  async rowsOf(
    picture: CaptionedPicture,
    scored: boolean,
  ): Promise<{ readonly rows: readonly EncodedRow[]; readonly print: PicturePrint } | undefined> {
    if (picture.problem !== undefined) return undefined;
    const place = this.placeOf(picture.file);
    const before = await this.printOf(picture.file);
    if (place === undefined || before === undefined) return undefined;
    const captions = captionsDigest(picture.captions);
    if (scored && captions !== before.captions) return undefined;
    const stamp = (await picture.stamp?.()) ?? null; // before the content is read
    if (!(await isSameContent(picture, before))) return undefined;
    const old = (await this.rowsIn(this.shardOf(place), scored)).get(picture.file);
    const first = old?.[0];
    if (old === undefined || first === undefined || (scored && old.length !== picture.captions.length))
      return undefined;
    const rows = picture.captions.map((caption, i) => ({
      ...(scored ? (old[i] as EncodedRow) : first),
      caption,
    }));
    const content = before.content === undefined ? contentDigest(await picture.bytes()) : before.content;
    return { rows, print: { file: picture.file, content, stamp, captions } };
  }

  private async printOf(file: string): Promise<PicturePrint | undefined> {
    const place = this.placeOf(file);
    if (place === undefined) return undefined;
    const shard = this.shardOf(place);
    const prints = await this.prints.get(shard, () => {
      const { folder, file: name } = this.shards[shard] as EarlierShard;
      return readPrints(folder, name, join(folder, name));
    });
    const print = prints[place - (this.before[shard] as number)];
    return print?.file === file ? print : undefined;
  }

  private placeOf(file: string): number | undefined {
    const wanted = nameHash(file);
    let [low, high] = [0, this.names.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.names[middle] as bigint) < wanted) low = middle + 1;
      else high = middle;
    }
    return this.names[low] === wanted ? this.places[low] : undefined;
  }

  private shardOf(place: number): number {
    let [low, high] = [0, this.before.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.before[middle] as number) <= place) low = middle;
      else high = middle;
    }
    return low;
  }

  private rowsIn(shard: number, scored: boolean): Promise<Map<string, EncodedRow[]>> {
    return this.rows.get(shard, async () => {
      const { folder, file } = this.shards[shard] as EarlierShard;
      const columns = { caption: 'caption', encoding: 'encoding', others: scored ? ['clip_score'] : [] };
      const found = new Map<string, EncodedRow[]>();
      for await (const { caption, encoding, source, others } of readShard(join(folder, file), columns)) {
        const row = {
          caption: caption as string,
          encoding: Int32Array.from(encoding as ArrayLike<number>),
          source: source as string,
          ...(scored && { clipScore: others.clip_score as number }),
        };
        const own = found.get(row.source);
        if (own === undefined) found.set(row.source, [row]);
        else own.push(row);
      }
      return found;
    });
  }
}

function nameHash(file: string): bigint {
  return createHash('sha256').update(file).digest().readBigUInt64LE(0);
}

/** The values that were asked for last. */
class Recent<T> {
  private readonly values = new Map<number, Promise<T>>();
  private readonly most: number;

  constructor(most: number) {
    this.most = most;
  }

  get(key: number, make: () => Promise<T>): Promise<T> {
    const value = this.values.get(key) ?? make();
    this.values.delete(key); // so that it comes last
    this.values.set(key, value);
    for (const oldest of this.values.keys()) {
      if (this.values.size <= this.most) break;
      this.values.delete(oldest);
    }
    return value;
  }
}
