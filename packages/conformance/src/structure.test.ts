import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const packages = join(import.meta.dirname, '../..');

/** Nodes and those that each imports. */
type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * The source files of a package, tests left out, and which imports which, types included; as paths
 * below src.
 */
function filesOf(src: string): Graph {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .sort();
  const importsOf = (file: string): string[] => {
    const path = join(src, file);
    const found = readFileSync(path, 'utf8').matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.\.?\/[^']+)\.js'/g);
    return [...found].map(([, specifier]) => relative(src, resolve(dirname(path), `${specifier}.ts`)));
  };
  return new Map(files.map((file) => [file, new Set(importsOf(file))]));
}

/** The same between rooms: a room is a folder directly below src, or a file there. */
function roomsOf(files: Graph): Map<string, Set<string>> {
  const roomOf = (file: string) => file.split('/')[0] as string;
  const rooms = new Map<string, Set<string>>();
  for (const [file, imported] of files) {
    const room = rooms.get(roomOf(file)) ?? new Set<string>();
    rooms.set(roomOf(file), room);
    for (const other of imported) if (roomOf(other) !== roomOf(file)) room.add(roomOf(other));
  }
  return rooms;
}

/** A way from a node back to itself for each node that closes one, as `a → b → a`. */
function circles(graph: Graph): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const visit = (node: string, way: readonly string[]): void => {
    if (way.includes(node)) found.push([...way.slice(way.indexOf(node)), node].join(' → '));
    if (way.includes(node) || done.has(node)) return;
    for (const next of graph.get(node) ?? []) visit(next, [...way, node]);
    done.add(node);
  };
  for (const node of graph.keys()) visit(node, []);
  return found;
}

test('circles are found, each with its way', () => {
  const graph = (edges: Readonly<Record<string, readonly string[]>>): Graph =>
    new Map(Object.entries(edges).map(([node, to]) => [node, new Set(to)]));
  expect(circles(graph({ a: ['b', 'c'], b: ['c'], c: [] }))).toEqual([]);
  expect(circles(graph({ a: ['b'], b: ['c'], c: ['b'], d: ['d'] }))).toEqual(['b → c → b', 'd → d']);
});

const sources = readdirSync(packages)
  .map((name) => join(packages, name, 'src'))
  .filter((src) => existsSync(src));

describe.each(sources.map((src) => [basename(dirname(src)), src]))('%s', (_, src) => {
  const files = filesOf(src);

  test('every import names a file that is there', () => {
    const missing = [...files].flatMap(([file, imported]) =>
      [...imported].filter((other) => !existsSync(join(src, other))).map((other) => `${file} → ${other}`),
    );
    expect(missing).toEqual([]);
  });

  test('no file imports itself by way of others', () => {
    expect(circles(files)).toEqual([]);
  });

  test('arrows between rooms point one way', () => {
    expect(circles(roomsOf(files))).toEqual([]);
  });
});

test("train's rooms import only from rooms that stand above them in docs/design.md", () => {
  const design = readFileSync(join(packages, '../docs/design.md'), 'utf8');
  const [, table = ''] = design.split('### Rooms of `packages/train`');
  const order = [...(table.split('\n## ')[0] ?? '').matchAll(/^\| `(\w+)\/` +\|/gm)].map(
    ([, room]) => room as string,
  );
  const rooms = roomsOf(filesOf(join(packages, 'train/src')));
  const folders = [...rooms.keys()].filter((room) => !room.endsWith('.ts')); // the entries see everything
  expect([...order].sort()).toEqual(folders.sort());
  const climbing = order.flatMap((room, i) =>
    [...(rooms.get(room) ?? [])]
      .filter((other) => order.indexOf(other) > i)
      .map((other) => `${room} → ${other}`),
  );
  expect(climbing).toEqual([]);
});
