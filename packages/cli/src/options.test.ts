import { describe, expect, test } from '@jest/globals';
import { integerOption, numberOption, requiredText, textOption } from './options.js';
import { UsageError } from './usage-error.js';

describe('options', () => {
  test('integerOption: bounds, decimals, words, repeats', () => {
    const { coerce } = integerOption('images', '', { min: 1, max: 9 });
    expect(coerce('9')).toBe(9);
    expect(coerce(1)).toBe(1); // a default arrives as it is
    expect(coerce(undefined)).toBeUndefined();
    for (const bad of ['2.5', '1e1', 'two', '0x2', '٣']) {
      expect(() => coerce(bad)).toThrow(`--images: expected a whole number from 1 to 9, got "${bad}".`);
    }
    for (const bad of ['0', '10']) {
      expect(() => coerce(bad)).toThrow(UsageError);
      expect(() => coerce(bad)).toThrow(`--images: expected a whole number from 1 to 9, got ${bad}.`);
    }
    expect(() => coerce(['1', '2'])).toThrow('--images was given 2 times');
    expect(() => coerce('')).toThrow('--images needs a value');
    expect(() => integerOption('seed', '').coerce('9007199254740993')).toThrow(
      '--seed: expected a whole number, got',
    );
  });

  test('numberOption: an excluded bound, infinity, text', () => {
    const { coerce } = numberOption('temperature', '', { above: 0 });
    expect(coerce('0.5')).toBe(0.5);
    expect(coerce('5e-1')).toBe(0.5);
    for (const bad of ['warm', 'Infinity', 'NaN', ' ', '0x1', '.']) {
      expect(() => coerce(bad)).toThrow(`--temperature: expected a number above 0, got "${bad}".`);
    }
    for (const bad of ['0', '-1']) {
      expect(() => coerce(bad)).toThrow(`--temperature: expected a number above 0, got ${bad}.`);
    }
  });

  test('textOption and requiredText: once, not empty', () => {
    expect(textOption('out', '').coerce('pictures')).toBe('pictures');
    expect(() => textOption('out', '').coerce(['a', 'b'])).toThrow('--out was given 2 times; give it once.');
    expect(() => requiredText('out', '').coerce('')).toThrow('--out needs a value.');
  });
});
