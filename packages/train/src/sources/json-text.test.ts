import { expect, test } from '@jest/globals';
import { parseJsonText } from './json-text.js';

test("Python's three words, not inside texts", () => {
  expect(parseJsonText('{"a": NaN, "b": [Infinity, -Infinity], "NaN": "NaN, \\"Infinity\\\\"}')).toEqual({
    a: null,
    b: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    NaN: 'NaN, "Infinity\\',
  });
});

test.each(['{"a": NaNa}', '{"a": nan}', '{NaN: 1}', '{"a": Infinity', '"NaN', '-NaN'])(
  '%s is no JSON',
  (text) => {
    expect(() => parseJsonText(text)).toThrow(SyntaxError);
  },
);
