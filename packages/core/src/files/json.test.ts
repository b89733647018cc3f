import { expect, test } from '@jest/globals';
import { readJson, requireJson } from './json.js';
import { memoryFiles } from './memory-files.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const files = memoryFiles({ 'a.json': bytes('{"x": [1, null]}'), 'cut.json': bytes('{"x": [1,') }, 'here');

test('a JSON file, and undefined for one that is not there', async () => {
  expect(await readJson(files, 'a.json')).toEqual({ x: [1, null] });
  expect(await readJson(files, 'b.json')).toBeUndefined();
});

test('a missing file is named with the hint, and so is a cut one', async () => {
  await expect(requireJson(files, 'b.json', 'A model has b.json.')).rejects.toThrow(
    'here/b.json: there is no such file. A model has b.json.',
  );
  await expect(requireJson(files, 'cut.json', '')).rejects.toThrow(
    /^here\/cut\.json: not JSON .*complete\?$/,
  );
});
