import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { ConfigError, DataError } from '@easel/core';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { drawPictures } from '../../testing/drawings.js';
import { tarOf } from '../../testing/tar-of.js';
import { defaultPictureShape } from '../decoded/decode-picture.js';
import { decodeBatches } from '../decoded/picture-batches.js';
import { openArchive } from './archive-bytes.js';
import { openPictures } from './open-pictures.js';
import type { CaptionedPicture, PictureSource, ReadRange, SkippedPicture } from './picture-source.js';
import { TarEntries } from './tar-entries.js';
import { openWebDataset } from './web-dataset.js';

let root: string;
let names: string[];
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'easel-tar-'));
  names = await drawPictures(join(root, 'in'), 3);
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

/**
 * Makes two shards of img2dataset's form with the system's tar. The first has 000 and 001; the
 * second has 002 and a failed download.
 */
function makeShards(format = 'ustar', long = ''): string[] {
  const files = join(root, 'files');
  mkdirSync(join(files, long), { recursive: true });
  const write = (name: string, content: string | Uint8Array) =>
    writeFileSync(join(files, long, name), content);
  for (const [i, name] of names.entries()) {
    write(`00${i}.PNG`, readFileSync(join(root, 'in', name)));
    if (i !== 1) write(`00${i}.txt`, `picture ${i}\n`);
    write(`00${i}.json`, JSON.stringify({ caption: `of json ${i}`, status: 'success' }));
  }
  write('003.txt', 'a picture that could not be fetched');
  const tar = (shard: string, ...members: string[]) => {
    const path = join(root, shard);
    const paths = members.map((member) => join(long, member));
    execFileSync('tar', [`--format=${format}`, '-b1', '-cf', path, '-C', files, ...paths]);
    return path;
  };
  return [
    tar('shard-0.tar', '000.PNG', '000.txt', '000.json', '001.json', '001.PNG'),
    tar('shard-1.tar', '002.txt', '002.PNG', '003.txt'),
  ];
}

async function all(source: PictureSource, range?: ReadRange): Promise<CaptionedPicture[]> {
  const pictures: CaptionedPicture[] = [];
  for await (const picture of source.read(range)) pictures.push(picture);
  return pictures;
}

describe.each([
  ['ustar', ''],
  ['pax', `${'a'.repeat(90)}/${'ü'.repeat(70)}`],
  ['gnu', `${'a'.repeat(90)}/${'b'.repeat(90)}`],
])('%s archives', (format, long) => {
  test('samples with their captions, each picture as it was', async () => {
    makeShards(format, long);
    const source = await openPictures(join(root, 'shard-{0..1}.tar'));
    const prefix = long === '' ? '' : `${long}/`;
    const pictures = await all(source);
    expect(source.length).toBe(4);
    expect(pictures.slice(0, 3).map(({ file, captions }) => [file, captions])).toEqual([
      [`shard-0.tar/${prefix}000`, ['picture 0']],
      [`shard-0.tar/${prefix}001`, ['of json 1']],
      [`shard-1.tar/${prefix}002`, ['picture 2']],
    ]);
    for (const [i, name] of names.entries())
      expect(Buffer.from((await pictures[i]?.bytes()) ?? [])).toEqual(readFileSync(join(root, 'in', name)));
    for (let from = 0; from < 5; from++)
      expect((await all(source, { from, to: from + 2 })).map(({ file }) => file)).toEqual(
        pictures.slice(from, from + 2).map(({ file }) => file),
      );
  });
});

test('a sample without a picture is passed over and named when pictures are decoded', async () => {
  const source = await openWebDataset(makeShards());
  const skipped: SkippedPicture[] = [];
  let count = 0;
  const options = {
    batchSize: 3,
    shape: { size: 8, ...defaultPictureShape },
    onSkip: (skip: SkippedPicture) => skipped.push(skip),
  };
  for await (const batch of decodeBatches(source.read(), options)) count += batch.pictures.length;
  expect(count).toBe(3);
  expect(skipped).toHaveLength(1);
  expect(skipped[0]).toMatchObject({ file: 'shard-1.tar/003', kind: 'missing' });
  expect(skipped[0]?.reason).toMatch(/shard-1\.tar, sample 003: there is no picture/);
});

describe('damage', () => {
  test.each([
    ['inside a file', (size: number) => size - 1024 - 700, /breaks off/],
    ['before the mark of the end', (size: number) => size - 1024, /without the mark of its end/],
    ['inside a header', (size: number) => size - 1024 - 1024 - 100, /breaks off/],
  ])('a shard cut %s is named, or ends there if that is allowed', async (_, cut, message) => {
    const [first] = makeShards() as [string];
    truncateSync(first, cut(readFileSync(first).length));
    await expect(openWebDataset([first])).rejects.toThrow(DataError);
    await expect(openWebDataset([first])).rejects.toThrow(message);
    const source = await openWebDataset([first], { allowDamaged: true });
    const pictures = await all(source);
    expect(pictures).toHaveLength(source.length);
    expect(pictures[0]?.captions).toEqual(['picture 0']);
    expect(pictures.at(-1)?.problem?.kind).toBe('damaged archive');
    await expect(pictures.at(-1)?.bytes()).rejects.toThrow(/shard-0\.tar: it breaks off/);
  });

  test('a header that is none', async () => {
    const [first] = makeShards() as [string];
    const bytes = readFileSync(first);
    bytes[3] = (bytes[3] as number) ^ 1;
    writeFileSync(first, bytes);
    const archive = await openArchive(first);
    const entries = new TarEntries(archive);
    expect(await entries.next()).toBeUndefined();
    expect(entries.damage).toBe('byte 0 begins no entry');
    await archive.close();
  });
});

/**
 * Reads an archive. Returns name, captions and content (or the kind of the fault) of each picture,
 * and what was left out.
 */
async function readTar(bytes: Uint8Array, name = 'x.tar') {
  const path = join(root, name);
  writeFileSync(path, bytes);
  const source = await openWebDataset([path]);
  const found: [string, readonly string[], string][] = [];
  for (const picture of await all(source)) {
    const content = await picture.bytes().then(
      (read) => Buffer.from(read).toString(),
      (error) => error.kind,
    );
    found.push([picture.file.slice(name.length + 1), picture.captions, picture.problem?.kind ?? content]);
  }
  expect(source.length).toBe(found.length);
  return { found, leftOut: source.leftOut.map(({ kind, count }) => [kind, count]), source };
}

/**
 * Archives that webdataset wrote, and the samples that it reads from them
 * (`reference/make-source-files.py`).
 */
const golden = fileURLToPath(new URL('golden/', import.meta.url));

test.each(['webdataset.tar', 'webdataset.tar.gz'])('%s: the samples that webdataset reads', async (name) => {
  const expected = JSON.parse(readFileSync(`${golden}webdataset.json`, 'utf8'))[name] as {
    key: string;
    png: string;
    caption: string;
    further: boolean;
  }[];
  const source = await openPictures(`${golden}${name}`);
  const found: [string, string | undefined, string][] = [];
  for (const { file, captions, bytes } of await all(source))
    found.push([file, captions[0], Buffer.from(await bytes()).toString('hex')]);
  expect(found).toEqual(expected.map(({ key, png, caption }) => [`${name}/${key}`, caption, png]));
  const further = expected.filter((sample) => sample.further).length;
  expect(source.leftOut).toMatchObject([{ kind: 'further picture', count: further }]);
});

describe('names', () => {
  test.each<[string, (readonly [string, string])[], [string, string[], string][]]>([
    [
      'that come twice',
      [
        ['a.png', '1'],
        ['a.txt', 'one'],
        ['a.png', '2'],
        ['a.txt', 'two'],
        ['b.png', '3'],
        ['b.txt', 'b'],
      ],
      [
        ['a', ['one'], '1'],
        ['a~2', ['two'], '2'],
        ['b', ['b'], '3'],
      ],
    ],
    [
      'that come twice in part, the rest after the first',
      [
        ['a.txt', 'one'],
        ['a.png', '1'],
        ['a.txt', 'two'],
        ['b.png', '3'],
        ['b.txt', 'b'],
      ],
      [
        ['a', ['one'], '1'],
        ['a~2', ['two'], 'missing'],
        ['b', ['b'], '3'],
      ],
    ],
    [
      'of which it cannot be told what belongs together',
      [
        ['a.png', '1'],
        ['a.png', '2'],
        ['a.txt', 'one'],
        ['b.png', '3'],
        ['b.txt', 'b'],
      ],
      [
        ['a', [], 'ambiguous'],
        ['a~2', [], 'ambiguous'],
        ['b', ['b'], '3'],
      ],
    ],
    [
      'that come again later',
      [
        ['a.png', '1'],
        ['a.txt', 'one'],
        ['b.png', '3'],
        ['b.txt', 'b'],
        ['a.png', '2'],
      ],
      [
        ['a', ['one'], '1'],
        ['b', ['b'], '3'],
        ['a', [], '2'],
      ],
    ],
    [
      'with dots',
      [
        ['v1.0.png', '1'],
        ['v1.0.txt', 'one'],
        ['v1.1.txt', 'two'],
        ['v1.1.png', '2'],
        ['v1.2.txt', 'three'],
      ],
      [
        ['v1.0', ['one'], '1'],
        ['v1.1', ['two'], '2'],
        ['v1.2', ['three'], 'missing'],
      ],
    ],
    [
      'with dots in folders, and a short one among them',
      [
        ['./d.x/a.b.png', '1'],
        ['./d.x/a.b.txt', 'one'],
        ['./d.x/a.png', '2'],
        ['./d.x/a.txt', 'two'],
      ],
      [
        ['d.x/a.b', ['one'], '1'],
        ['d.x/a', ['two'], '2'],
      ],
    ],
  ])('%s', async (_, files, expected) => {
    const { found, source } = await readTar(tarOf(files));
    expect(found).toEqual(expected);
    for (let from = 0; from < found.length; from++)
      expect((await all(source, { from, to: from + 1 })).map(({ file }) => file)).toEqual([
        `x.tar/${expected[from]?.[0]}`,
      ]);
  });

  test('further pictures of a sample, hidden files and links are counted', async () => {
    const { found, leftOut } = await readTar(
      tarOf([
        ['a.jpg', '1'],
        ['a.seg.png', '2'],
        ['a.png', '3'],
        ['a.txt', 'a'],
        ['._b.png', 'fork'],
        ['b.bmp', '4'],
        ['b.txt', 'b'],
        ['c.png', '', 'a.jpg'],
        ['c.txt', 'c'],
        ['README', 'no sample'],
      ]),
    );
    expect(found).toEqual([
      ['a', ['a'], '1'],
      ['b', ['b'], 'other format'],
      ['c', ['c'], 'no file'],
    ]);
    expect(leftOut).toEqual([
      ['hidden', 1],
      ['further picture', 2],
    ]);
  });

  test('that are not UTF-8 stay apart; NFC and NFD are one name', async () => {
    const latin = (text: string) => Buffer.from(text, 'latin1');
    const { found } = await readTar(
      tarOf([
        [latin('caf\xe9.png'), '1'],
        [latin('caf\xe9.txt'), 'one'],
        [latin('caf\xe8.png'), '2'],
        [latin('caf\xe8.txt'), 'two'],
        ['é.png'.normalize('NFD'), '3'],
        ['é.txt'.normalize('NFC'), 'three'],
      ]),
    );
    expect(found).toEqual([
      ['caf\\xE9', ['one'], '1'],
      ['caf\\xE8', ['two'], '2'],
      ['é'.normalize('NFC'), ['three'], '3'],
    ]);
  });

  test('of shards in several folders stay apart', async () => {
    for (const part of ['p', 'q']) {
      mkdirSync(join(root, part));
      writeFileSync(
        join(root, part, '0.tar'),
        tarOf([
          ['a.png', part],
          ['a.txt', part],
        ]),
      );
    }
    const source = await openPictures(join(root, '{p,q}/0.tar'));
    expect((await all(source)).map(({ file }) => file)).toEqual(['p/0.tar/a', 'q/0.tar/a']);
  });
});

test('captions in JSON: null is none, lists are several, NaN is tolerated, numbers are broken', async () => {
  const json = (i: number, text: string) => [[`${i}.png`, `${i}`] as const, [`${i}.json`, text] as const];
  const { found } = await readTar(
    tarOf([
      ...json(1, '{"caption": "one", "score": NaN}'),
      ...json(2, '{"caption": null}'),
      ...json(3, '{"caption": ["three", null, "drei"]}'),
      ...json(4, '{"caption": 4}'),
      ...json(5, '{"caption": null, "text": "five"}'),
      ...json(6, '[]'),
    ]),
  );
  expect(found).toEqual([
    ['1', ['one'], '1'],
    ['2', [], '2'],
    ['3', ['three', 'drei'], '3'],
    ['4', [], 'broken caption'],
    ['5', ['five'], '5'],
    ['6', [], '6'],
  ]);
});

test('archives one behind the other are read to the end', async () => {
  const part = (name: string) =>
    tarOf([
      [`${name}.png`, name],
      [`${name}.txt`, name],
    ]);
  const { found } = await readTar(Buffer.concat([part('a'), Buffer.alloc(4096), part('b')]));
  expect(found.map(([name]) => name)).toEqual(['a', 'b']);
});

describe('compressed archives', () => {
  const files = Array.from({ length: 40 }, (_, i) => [
    [`${i}.png`, `${i}`.repeat(1 + ((i * 997) % 9000))] as const,
    [`${i}.txt`, `caption ${i}`] as const,
  ]).flat();

  test.each(['x.tar.gz', 'x.tgz', 'x.tar', 'x.TAR'])('%s is unpacked as it is read', async (name) => {
    const path = join(root, name);
    writeFileSync(path, gzipSync(tarOf(files)));
    const source = await openPictures(path);
    const pictures = await all(source);
    expect(pictures.map(({ captions }) => captions[0])).toEqual(
      Array.from({ length: 40 }, (_, i) => `caption ${i}`),
    );
    for (const [i, picture] of pictures.entries())
      expect(Buffer.from(await picture.bytes()).toString()).toBe(files[2 * i]?.[1]);
    expect((await all(source, { from: 17, to: 19 })).map(({ captions }) => captions)).toEqual([
      ['caption 17'],
      ['caption 18'],
    ]);
  });

  test('that break off are damaged', async () => {
    const whole = gzipSync(tarOf(files));
    const path = join(root, 'x.tar.gz');
    writeFileSync(path, whole.subarray(0, whole.length - 300));
    await expect(openWebDataset([path])).rejects.toThrow(/compressed data break off/);
    const source = await openWebDataset([path], { allowDamaged: true });
    const pictures = await all(source);
    expect(pictures.length).toBe(source.length);
    expect(pictures.at(-1)?.problem?.kind).toBe('damaged archive');
  });

  test.each([
    ['bzip2', 'BZh91AY&SYxxxx', /it is compressed with bzip2\. Unpack it/],
    ['xz', Buffer.from('fd377a585a000000', 'hex'), /it is compressed with xz/],
    ['zip', 'PK\x03\x04', /it is a zip archive/],
    [
      'a Git LFS pointer',
      'version https://git-lfs.github.com/spec/v1\n',
      /it is a Git LFS pointer.*git lfs pull/,
    ],
    ['a web page', '<!DOCTYPE html><title>404</title>', /it is a web page/],
  ])('refused by name: %s', async (_, content, message) => {
    writeFileSync(join(root, 'x.tar'), content);
    await expect(openPictures(join(root, 'x.tar'))).rejects.toThrow(message);
  });
});

test('refused: a shard that is not there, other files, a caption list', async () => {
  makeShards();
  await expect(openPictures(join(root, 'shard-{0..2}.tar'))).rejects.toThrow(/shard-2\.tar: can't be opened/);
  await expect(openPictures(join(root, '{a.tar,b.zip}'))).rejects.toThrow(/b\.zip is none of them/);
  const withList = openPictures({ path: join(root, 'shard-0.tar'), captions: 'c.csv' });
  await expect(withList).rejects.toThrow(ConfigError);
});

test('thousands of samples: read from any place on; a broken caption is something wrong with its picture', async () => {
  const files = join(root, 'many');
  mkdirSync(files);
  for (let i = 0; i < 2100; i++) {
    const key = String(i).padStart(5, '0');
    writeFileSync(join(files, `${key}.png`), `${i}`);
    writeFileSync(join(files, `${key}.txt`), i === 7 ? Uint8Array.of(0xff) : `caption ${i}`);
  }
  const tar = join(root, 'many.tar');
  execFileSync('tar', ['--sort=name', '-cf', tar, '-C', files, '.']);
  const source = await openWebDataset([tar]);
  expect(source.length).toBe(2100);
  for (const from of [0, 1, 1023, 1024, 1030, 2098]) {
    const two = await all(source, { from, to: from + 2 });
    expect(two.map(({ captions }) => captions)).toEqual([[`caption ${from}`], [`caption ${from + 1}`]]);
    expect(Buffer.from((await two[1]?.bytes()) ?? []).toString()).toBe(`${from + 1}`);
  }
  const [seventh] = await all(source, { from: 7, to: 8 });
  expect(seventh?.problem?.kind).toBe('broken caption');
});

test('a shard that is deleted or changed while it is read stops the reading, by name', async () => {
  const [first, second] = makeShards() as [string, string];
  const source = await openWebDataset([first, second]);
  const pictures = await all(source);
  rmSync(second);
  await expect(pictures[2]?.bytes()).rejects.toThrow(/shard-1\.tar: can't be opened/);
  await expect(all(source)).rejects.toThrow(/shard-1\.tar: can't be opened/);
  truncateSync(first, 2048);
  await expect(all(source)).rejects.toThrow(/shard-0\.tar: it has changed/);
});
