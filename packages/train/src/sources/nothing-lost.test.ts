/**
 * Sources with every kind of damage at once. Each entry comes out as a picture with its own
 * captions, or is counted by its kind. A case is made of random parts. Each part says itself what
 * must come of it.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { prngKey } from '@easel/core';
import { initializeVqgan, parseVqganConfig, Vqgan } from '@easel/vqgan';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import sharp from 'sharp';
import { startTestBackend } from '../../testing/backend.js';
import { type TarFile, tarOf } from '../../testing/tar-of.js';
import { tinyVqganJson } from '../../testing/tiny-models.js';
import { readEncodedSet } from '../encoded/encoded-set.js';
import { NO_FILTER } from '../encoded/row-filter.js';
import { encodePictures } from '../encoding/encode.js';
import { mixPictures } from './mixed-pictures.js';
import { openPictures } from './open-pictures.js';
import type { PictureSource } from './picture-source.js';

const CASES = 80;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'easel-nothing-lost-'));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

/** Random numbers of a seed (mulberry32). */
class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed * 0x9e3779b1;
  }

  below(n: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

/** What must come of a source: captions by content of the picture, and counts by kind. */
class Expected {
  readonly pictures = new Map<string, readonly string[]>();
  readonly problems: Record<string, number> = {};
  readonly leftOut: Record<string, number> = {};

  good(content: string, captions: readonly string[]): void {
    this.pictures.set(content, captions);
  }

  wrong(kind: string, count = 1): void {
    this.problems[kind] = (this.problems[kind] ?? 0) + count;
  }

  out(kind: string, count = 1): void {
    this.leftOut[kind] = (this.leftOut[kind] ?? 0) + count;
  }
}

/** Reads all of a source and compares it. */
async function check(source: PictureSource, expected: Expected): Promise<void> {
  const pictures = new Map<string, readonly string[]>();
  const problems: Record<string, number> = {};
  let length = 0;
  for await (const picture of source.read()) {
    length++;
    try {
      if (picture.problem !== undefined) throw picture.problem;
      pictures.set(Buffer.from(await picture.bytes()).toString(), picture.captions);
    } catch (error) {
      const { kind } = error as { kind: string };
      problems[kind] = (problems[kind] ?? 0) + 1;
    }
  }
  const leftOut = Object.fromEntries(source.leftOut.map(({ kind, count }) => [kind, count]));
  expect({ pictures, problems, leftOut }).toEqual({ ...expected });
  const sum = Object.values(expected.problems).reduce((a, b) => a + b, 0);
  expect([length, source.length]).toEqual([pictures.size + sum, pictures.size + sum]);
  await source.close();
}

function put(folder: string, name: string | Buffer, content: string | Uint8Array): void {
  const path =
    typeof name === 'string' ? join(folder, name) : Buffer.concat([Buffer.from(`${folder}/`), name]);
  if (typeof path === 'string') mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

const cases = Array.from({ length: CASES }, (_, seed) => seed + 1);

/** Returns a text that begins with, ends with or holds characters that make readers stumble. */
function awkward(random: Random, id: number): string {
  const parts = ['"', '""', "'", 'é', 'e\u0301', '5" wide', 'NaN', 'x', '\u2028', '{', '\\'];
  return `${random.of([...parts, ''])}caption ${id}${random.of(parts)} ${random.of(parts)}`.trim();
}

describe('folders', () => {
  test.each(cases)('case %i', async (seed) => {
    const random = new Random(seed);
    const expected = new Expected();
    const folder = join(root, 'pictures');
    put(folder, 'first.png', 'first');
    put(folder, 'first.txt', 'first');
    expected.good('first', ['first']);
    const parts = 1 + random.below(14);
    for (let id = 0; id < parts; id++) {
      const at = `${random.of(['', 'sub/', 'sub/deep/', 'é/'])}${id}${random.of(['', '.v1.0', ' é'])}`;
      const caption = awkward(random, id);
      const parts: (() => void)[] = [
        () => {
          put(folder, `${at}.${random.of(['png', 'JPG', 'jfif'])}`, `${id}`);
          put(folder, `${at}.${random.of(['txt', 'TXT'])}`, `\n${caption}\r\n ${caption} too\n`);
          expected.good(`${id}`, [caption, `${caption} too`]);
        },
        () => {
          put(folder, `${at.normalize('NFC')}.png`, `${id}`);
          put(folder, `${at.normalize('NFD')}.txt`, caption);
          expected.good(`${id}`, [caption]);
        },
        () => {
          put(folder, `${at}.png`, `${id}`);
          expected.good(`${id}`, []);
        },
        () => {
          put(folder, `${at}.txt`, caption);
          expected.out('text without picture');
        },
        () => {
          put(folder, `${at}.bmp`, `${id}`);
          put(folder, `${at}.txt`, caption);
          expected.wrong('other format');
        },
        () => {
          put(folder, `${at}.png`, `${id}`);
          put(
            folder,
            `${at}.txt`,
            random.of([Uint8Array.of(0xff), 'version https://git-lfs.github.com/spec/v1']),
          );
          expected.wrong('broken caption');
        },
        () => {
          put(folder, `${at}/x`, '');
          symlinkSync('/dev/zero', join(folder, at, 'device.png'));
          expected.wrong('no file');
        },
        () => {
          put(folder, `${at}/x`, '');
          symlinkSync('nowhere', join(folder, at, 'link.png'));
          symlinkSync('nowhere', join(folder, at, 'link'));
          expected.wrong('missing');
          expected.out('broken link');
        },
        () => {
          put(folder, `${at}/x`, '');
          symlinkSync(folder, join(folder, at, 'loop'));
          expected.out('folder seen before');
        },
        () => {
          put(folder, `${at}/.hidden.png`, `${id}`);
          expected.out('hidden');
        },
        () => {
          put(folder, `${at}.${random.of(['tar', 'TGZ', 'parquet'])}`, '');
          expected.out('archive');
        },
        () => {
          put(folder, Buffer.concat([Buffer.from(`${id}`), Buffer.of(0xe9), Buffer.from('.png')]), `${id}`);
          expected.wrong('unreadable');
        },
      ];
      random.of(parts)();
    }
    await check(await openPictures(folder), expected);
  });
});

describe('lists', () => {
  test.each(cases)('case %i', async (seed) => {
    const random = new Random(seed);
    const expected = new Expected();
    const kind = random.of(['csv', 'tsv', 'jsonl'] as const);
    const delimiter = kind === 'csv' ? ',' : '\t';
    const folder = join(root, 'pictures');
    const captions = new Map<number, string[]>();
    const rows: string[] = [];
    const add = (name: string, caption: string | null) => {
      if (kind === 'jsonl') {
        const more = random.of(['', ', "score": NaN', ', "x": [Infinity, -Infinity]', ', "y": null']);
        const text = caption === null ? random.of(['null', 'NaN', '[]', '[null]', '""', '" "']) : undefined;
        const value = text ?? random.of([JSON.stringify(caption), JSON.stringify([null, caption])]);
        const isLeftOut = caption === null && random.below(3) === 0;
        rows.push(`{"file_name": ${JSON.stringify(name)}${isLeftOut ? '' : `, "text": ${value}`}${more}}`);
        return;
      }
      const field = caption ?? random.of(['', ' ', '""']);
      const isEnclosed = /^".*"$/.test(field) || /[,\t\n\r]/.test(field) || random.below(3) === 0;
      rows.push(
        [name, caption !== null && isEnclosed ? `"${field.replaceAll('"', '""')}"` : field].join(delimiter),
      );
    };
    put(folder, '0.png', '0');
    for (let i = 0; i < 2 + random.below(16); i++) {
      const id = random.below(6);
      const name = `${id}.png`;
      switch (random.below(5)) {
        case 0:
          add(name, null);
          captions.set(id, captions.get(id) ?? []);
          expected.out('row without caption');
          break;
        case 1:
          add(random.of(['', ' ']), 'for nobody');
          expected.out('row without picture');
          break;
        default: {
          const more =
            kind !== 'jsonl' && random.below(4) === 0 ? random.of(['\nline', ', comma\tand tab']) : '';
          const caption = `${awkward(random, id)}${more}`;
          add(name, caption);
          captions.set(id, [...(captions.get(id) ?? []), caption]);
        }
      }
    }
    add('0.png', 'the last');
    captions.set(0, [...(captions.get(0) ?? []), 'the last']);
    for (const [id, own] of captions) {
      if (id % 3 === 2) expected.wrong('missing');
      else expected.good(`${id}`, own);
      if (id % 3 !== 2) put(folder, `${id}.png`, `${id}`);
    }
    const header = kind === 'jsonl' ? [] : [`file${delimiter}caption`];
    const text = [...header, ...rows].map((row) => `${row}${random.of(['\n', '\r\n', '\r', '\n\n'])}`);
    put(folder, `captions.${kind}`, `${random.of(['', '\uFEFF'])}${text.join('')}`);
    const leftOut = Object.values(expected.leftOut).reduce((a, b) => a + b, 0);
    expect(rows.length).toBe([...captions.values()].flat().length + leftOut);
    await check(await openPictures(folder), expected);
  });
});

describe('tars', () => {
  test.each(cases)('case %i', async (seed) => {
    const random = new Random(seed);
    const expected = new Expected();
    const files: TarFile[] = [
      ['first.png', 'first'],
      ['first.txt', 'first'],
    ];
    expected.good('first', ['first']);
    for (let id = 0; id < 1 + random.below(14); id++) {
      const key = `${random.of(['', './', 'd.x/'])}${id}`;
      const caption = awkward(random, id);
      const json = JSON.stringify({ caption }).replace('}', random.of(['}', ', "score": NaN}']));
      const parts: (() => void)[] = [
        () => {
          files.push([`${key}.txt`, `${caption}\n`], [`${key}.PNG`, `${id}`], [`${key}.cls`, '7']);
          expected.good(`${id}`, [caption]);
        },
        () => {
          files.push([`${key}.jpg`, `${id}`], [`${key}.json`, json]);
          expected.good(`${id}`, [caption]);
        },
        () => {
          files.push(
            [`${key}.png`, `${id}`],
            [`${key}.json`, random.of(['{"caption": null}', '{}', 'null'])],
          );
          expected.good(`${id}`, []);
        },
        () => {
          files.push([`${key}.txt`, caption]);
          expected.wrong('missing');
        },
        () => {
          for (const part of ['a', 'b']) {
            files.push([`${key}.png`, `${id}${part}`], [`${key}.txt`, `${part} ${caption}`]);
            expected.good(`${id}${part}`, [`${part} ${caption}`]);
          }
        },
        () => {
          files.push([`${key}.png`, `${id}a`], [`${key}.png`, `${id}b`], [`${key}.txt`, caption]);
          expected.wrong('ambiguous', 2);
        },
        () => {
          for (const part of ['v1.0', 'v1.1']) {
            files.push([`${key}.${part}.txt`, `${part} ${caption}`], [`${key}.${part}.png`, `${id}${part}`]);
            expected.good(`${id}${part}`, [`${part} ${caption}`]);
          }
        },
        () => {
          files.push([`${key}.jpg`, `${id}`], [`${key}.seg.png`, 'mask'], [`${key}.txt`, caption]);
          expected.good(`${id}`, [caption]);
          expected.out('further picture');
        },
        () => {
          const name = `._${id}.png`;
          files.push([name, 'fork']);
          expected.out('hidden');
        },
        () => {
          files.push([`${key}.png`, '', 'first.png'], [`${key}.txt`, caption]);
          expected.wrong('no file');
        },
        () => {
          files.push([`${key}.bmp`, `${id}`], [`${key}.txt`, caption]);
          expected.wrong('other format');
        },
        () => {
          files.push([`${key}.png`, `${id}`], [`${key}.json`, random.of(['{', '{"caption": 3}'])]);
          expected.wrong('broken caption');
        },
      ];
      random.of(parts)();
    }
    const isDamaged = random.below(4) === 0;
    const whole = tarOf(files);
    const bytes = isDamaged ? whole.subarray(0, whole.length - 1024) : whole;
    if (isDamaged) expected.wrong('damaged archive');
    const path = join(root, random.of(['x.tar', 'x.TAR', 'x.tar.gz', 'x.tgz']));
    writeFileSync(path, path.endsWith('z') ? gzipSync(bytes) : bytes);
    await check(await openPictures(random.of([path, join(root, 'x.*')]), { allowDamaged: true }), expected);
  });
});

const optional = (name: string, more: Partial<SchemaElement>): SchemaElement =>
  ({ name, repetition_type: 'OPTIONAL', ...more }) as SchemaElement;

function parquetOf(columns: readonly { schema: SchemaElement[]; data: unknown[] }[], rowGroupSize: number) {
  return new Uint8Array(
    parquetWriteBuffer({
      schema: [{ name: 'root', num_children: columns.length }, ...columns.flatMap(({ schema }) => schema)],
      columnData: columns.map(({ schema, data }) => ({ name: schema[0]?.name as string, data })),
      rowGroupSize,
    }),
  );
}

const listOf = (name: string, element: Partial<SchemaElement>) => [
  optional(name, { num_children: 1, converted_type: 'LIST' }),
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 } as SchemaElement,
  optional('element', element),
];

describe('parquet files', () => {
  test.each(cases)('case %i', async (seed) => {
    const random = new Random(seed);
    const expected = new Expected();
    const isList = random.below(2) === 0;
    const images: unknown[] = [Buffer.from('first')];
    const captions: unknown[] = [isList ? ['first'] : Buffer.from('first')];
    expected.good('first', ['first']);
    for (let id = 0; id < 1 + random.below(14); id++) {
      const caption = awkward(random, id);
      const part = random.below(isList ? 4 : 5);
      images.push(part === 0 ? null : Buffer.from(`${id}`));
      if (part === 0) expected.wrong('missing');
      else if (part === 1) expected.good(`${id}`, []);
      else if (part === 4) expected.wrong('broken caption');
      else expected.good(`${id}`, isList ? [caption, 'too'] : [caption]);
      const none = isList ? random.of([null, [], [null]]) : random.of([null, Buffer.from(' ')]);
      const some = isList ? [caption, null, 'too'] : Buffer.from(caption);
      captions.push(part === 1 ? none : part === 4 ? Buffer.of(0x61, 0xff) : some);
    }
    const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const;
    const bytes = parquetOf(
      [
        {
          schema: isList ? listOf('text', text) : [optional('text', { type: 'BYTE_ARRAY' })],
          data: captions,
        },
        { schema: [optional('image', { type: 'BYTE_ARRAY' })], data: images },
      ],
      1 + random.below(6),
    );
    writeFileSync(join(root, 'x.PARQUET'), bytes);
    const source = await openPictures(random.of([root, join(root, 'x.PARQUET'), join(root, '*.PARQUET')]));
    expect(source.length).toBe(images.length);
    await check(source, expected);
  });
});

describe('encoded sets', () => {
  test.each(cases)('case %i', async (seed) => {
    const random = new Random(seed);
    const wanted: [string, number][] = [];
    const leftOut: Record<string, number> = {};
    const rows: { caption: string | null; encoding: number[] | null; clip_score: number | null }[] = [];
    const count = 2 + random.below(20);
    for (let id = 0; id < count; id++) {
      const kind =
        id === 0
          ? ''
          : random.of([
              '',
              '',
              'row without caption',
              'row without tokens',
              'row without score',
              'filtered row',
            ]);
      if (kind === '') wanted.push([`caption ${id}`, id]);
      else leftOut[kind] = (leftOut[kind] ?? 0) + 1;
      rows.push({
        caption: kind === 'row without caption' ? null : `caption ${id}`,
        encoding: kind === 'row without tokens' ? null : [id, 1, 2],
        clip_score:
          kind === 'row without score' ? random.of([null, Number.NaN]) : kind === 'filtered row' ? 0.1 : 0.9,
      });
    }
    const name = random.of(['x.jsonl', 'x.parquet']);
    const columns = [
      {
        schema: [optional('caption', { type: 'BYTE_ARRAY', converted_type: 'UTF8' })],
        data: rows.map((row) => row.caption),
      },
      { schema: listOf('encoding', { type: 'INT32' }), data: rows.map((row) => row.encoding) },
      { schema: [optional('clip_score', { type: 'DOUBLE' })], data: rows.map((row) => row.clip_score) },
    ];
    const lines = rows.map((row) =>
      JSON.stringify(row, (_, value) => (Number.isNaN(value) ? '~' : value)).replace('"~"', 'NaN'),
    );
    writeFileSync(
      join(root, name),
      name === 'x.jsonl' ? lines.join('\n') : parquetOf(columns, 1 + random.below(6)),
    );
    const filter = { ...NO_FILTER, minClipScore: 0.5 };
    const set = await readEncodedSet(root, { imageLength: 3, imageVocabSize: 100 }, undefined, { filter });
    expect(set.captions.map((caption, i) => [caption, set.encodings[3 * i]])).toEqual(wanted);
    expect([set.rows, set.leftOut]).toEqual([count, leftOut]);
  });
});

test('mixed and encoded: pictures and captions of the sources are rows, or in summary and log', async () => {
  await startTestBackend();
  const vqgan = new Vqgan(parseVqganConfig(tinyVqganJson));
  initializeVqgan(vqgan, prngKey(1));
  const png = await sharp({ create: { width: 9, height: 8, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const folder = join(root, 'pictures');
  const list = [
    'file,caption',
    'a.png,one',
    'a.png,two',
    'b.png,',
    'gone.png,x',
    'gone.png,y',
    ',z',
    'c.png,"c',
  ];
  for (const name of ['a', 'b', 'c']) put(folder, `${name}.png`, name === 'c' ? 'no picture' : png);
  put(folder, 'captions.csv', list.join('\n'));
  const tar: TarFile[] = [
    ['a.png', png],
    ['a.txt', 'one\ntwo\nthree'],
    ['a.seg.png', png],
    ['b.png', png],
    ['b.png', png],
    ['b.txt', 'whose'],
    ['c.txt', 'alone'],
  ];
  writeFileSync(join(root, 'x.tar'), tarOf(tar));
  const sources = [await openPictures(folder), await openPictures(join(root, 'x.tar'))];
  const source = mixPictures(
    sources.map((one) => ({ source: one, weight: 1 })),
    { seed: 3, until: 'all' },
  );
  let captions = 0;
  for await (const picture of source.read()) captions += picture.captions.length;
  const out = join(root, 'set');
  const summary = await encodePictures(source, { vqgan, out, picturesPerShard: 2 });
  vqgan.dispose();
  expect(summary.pictures + summary.skipped).toBe(source.length);
  expect(summary.rows + summary.captionsLost).toBe(captions);
  expect(summary).toMatchObject({
    pictures: 2,
    rows: 5,
    skipped: 6,
    failures: { undecodable: 1, 'no caption': 1, missing: 2, ambiguous: 2 },
    captionsLost: 4,
    leftOut: { 'row without caption': 1, 'row without picture': 1, 'further picture': 1 },
  });
  const log = readFileSync(summary.skippedLog, 'utf8').trim().split('\n');
  expect(log).toHaveLength(summary.skipped + 3);
  const set = await readEncodedSet(out, { imageLength: 16, imageVocabSize: 18 });
  expect([...set.captions].sort()).toEqual(['one', 'one', 'three', 'two', 'two']);
});
