import { describe, expect, test } from '@jest/globals';
import { describeJson, JsonObject, JsonSyntaxError, parseJson } from './json.js';

describe('parseJson', () => {
  test.each([
    ['null', null],
    [' true ', true],
    ['\t\r\nfalse', false],
    ['0', 0n],
    ['-1', -1n],
    ['18446744073709551615', 18446744073709551615n],
    ['-9223372036854775808', -9223372036854775808n],
    ['18446744073709551616', 2 ** 64],
    ['-9223372036854775809', -(2 ** 63)],
    ['9007199254740993', 9007199254740993n],
    ['-0', -0],
    ['1.0', 1],
    ['1e2', 100],
    ['1E-2', 0.01],
    ['1e-999', 0],
    ['"a\\u0041\\n\\/\\ud83d\\ude00"', 'aA\n/😀'],
    ['"\u007f\u2028"', '\u007f\u2028'],
    ['[]', []],
    ['[1 , "x",[null]]', [1n, 'x', [null]]],
  ])('%s', (text, expected) => {
    expect(parseJson(text)).toEqual(expected);
  });

  test('keeps repeated keys and their order', () => {
    expect(parseJson('{"b":1,"__proto__":2,"b":3}')).toEqual(
      new JsonObject([
        ['b', 1n],
        ['__proto__', 2n],
        ['b', 3n],
      ]),
    );
  });

  test.each([
    '',
    '01',
    '1.',
    '.5',
    '+1',
    '1e',
    '1.0.0',
    '1e999',
    '-',
    '0x10',
    'nul',
    'NaN',
    'Infinity',
    '"a',
    '"\u0001"',
    '"\\x41"',
    '"\\u12"',
    '"\\u12g4"',
    '"\\ud800"',
    '"\\udc00"',
    '"\\ud800\\u0041"',
    '[1,]',
    '[1 2]',
    '[',
    '{"a":1,}',
    '{a:1}',
    '{"a" 1}',
    '{"a":}',
    '{"a":1',
    '{} {}',
    '\ufeff{}',
    '\f{}',
  ])('refuses %j', (text) => {
    expect(() => parseJson(text)).toThrow(JsonSyntaxError);
  });

  test('127 nested brackets and no more', () => {
    expect(() => parseJson(`${'['.repeat(127)}${']'.repeat(127)}`)).not.toThrow();
    expect(() => parseJson(`${'['.repeat(128)}${']'.repeat(128)}`)).toThrow('nested brackets');
  });

  test('an error tells the place', () => {
    expect(() => parseJson('{"a":tru}')).toThrow('not a JSON value at character 5');
    expect(() => parseJson('{"a":')).toThrow('expected a value: the text ends at character 5');
  });

  test('describeJson tells 1, 1.0 and -0 apart', () => {
    expect(
      ['1', '1.0', '-0', '1.5', '[1]', '{}', '"x"', 'null'].map((text) => describeJson(parseJson(text))),
    ).toEqual([
      '1',
      'the float 1e+0',
      'the float -0',
      'the float 1.5',
      'an array of 1',
      'an object',
      'the string "x"',
      'null',
    ]);
  });
});
