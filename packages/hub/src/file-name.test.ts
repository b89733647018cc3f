import { expect, test } from '@jest/globals';
import { checkFileName } from './file-name.js';
import { HubError } from './hub-error.js';

test.each(['config.json', 'vqgan/config.json', 'ä b/c..d', 'aux.json', '..x'])('%s is fetched', (name) => {
  expect(() => checkFileName(name, 'a/b', 'linux')).not.toThrow();
});

test.each([
  '../x',
  'a/../b',
  '/etc/passwd',
  'a//b',
  './a',
  '',
  'C:\\x',
  'C:x',
  '\\\\host\\share',
  'a\\..\\b',
  'a\0b',
])('%j is refused everywhere', (name) => {
  expect(() => checkFileName(name, 'a/b', 'linux')).toThrow(HubError);
  expect(() => checkFileName(name, 'a/b', 'linux')).toThrow(
    `its file ${JSON.stringify(name)} is not fetched`,
  );
});

test.each(['aux.json', 'vqgan/CON', 'lpt1', 'a.', 'a ', 'a?b'])('%j is refused on Windows', (name) => {
  expect(() => checkFileName(name, 'a/b', 'win32')).toThrow('Windows has no such name');
});
