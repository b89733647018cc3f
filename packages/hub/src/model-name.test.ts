import { ConfigError } from '@easel/core';
import { expect, test } from '@jest/globals';
import { formatHubName, isHubName, parseHubName } from './model-name.js';

test.each([
  ['hf:dalle-mini/dalle-mini', 'dalle-mini/dalle-mini', 'main', ''],
  ['hf:gpt2', 'gpt2', 'main', ''],
  ['hf:a/b@v1.0', 'a/b', 'v1.0', ''],
  ['hf:a/b:small/fp16', 'a/b', 'main', 'small/fp16'],
  ['hf:A_1/b.c@refs/pr/1:x', 'A_1/b.c', 'refs/pr/1', 'x'],
])('%s', (text, repository, revision, subfolder) => {
  const name = parseHubName(text);
  expect(name).toEqual({ repository, revision, subfolder });
  expect(formatHubName(name)).toBe(text);
});

test('a slash at the end of a folder is dropped', () => {
  expect(parseHubName('hf:a/b:small/').subfolder).toBe('small');
});

test.each([
  ['hf:', /letters, digits/],
  ['hf:/b', /letters, digits/],
  ['hf:a/b/c', /one slash/],
  ['hf:../b', /no "--" or "\.\."/],
  ['hf:a--b/c', /no "--"/],
  ['hf:a/b.git', /no "\.git"/],
  ['hf:a/-b', /at its ends/],
  ['hf:a\\b', /letters, digits/],
  [`hf:a/${'b'.repeat(95)}`, /up to 96/],
  ['hf:a/b@', /no branch/],
  ['hf:a/b@../../x', /no branch/],
  ['hf:a/b@x/../y', /no branch/],
  ['hf:a/b@a b', /no branch/],
  ['hf:a/b:../c', /no folder/],
  ['hf:a/b:c//d', /no folder/],
  ['hf:a/b:c\\d', /no folder/],
])('%s is refused', (text, message) => {
  expect(() => parseHubName(text)).toThrow(ConfigError);
  expect(() => parseHubName(text)).toThrow(message);
  expect(() => parseHubName(text)).toThrow('Expected hf:ORG/NAME');
});

test('what begins with hf: is a hub name, a path is none', () => {
  expect(['hf:x', 'models/hf', 'https://hf.co/x', new URL('file:///x'), undefined].map(isHubName)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
});
