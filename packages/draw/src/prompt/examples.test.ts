import { ConfigError } from '@easel/core';
import { expect, test } from '@jest/globals';
import { parseExamples } from './examples.js';

test('a list of prompts, and what is none', () => {
  expect(parseExamples('["a red heart", "a pizza"]')).toEqual(['a red heart', 'a pizza']);
  expect(parseExamples('[]')).toEqual([]);
  for (const text of ['{"a": 1}', '["a", 2]', '[" "]', '"a"'])
    expect(() => parseExamples(text, 'm/examples.json')).toThrow(
      'm/examples.json: expected a list of prompts',
    );
  expect(() => parseExamples('[')).toThrow(ConfigError);
});
