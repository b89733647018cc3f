import { expect, test } from '@jest/globals';
import { promptSlug } from './prompt-slug.js';

test('words of any script, bounded, never a path; nothing where there are none', () => {
  expect(promptSlug('A red heart!')).toBe('a-red-heart');
  expect(promptSlug('../../etc/passwd')).toBe('etc-passwd');
  expect(promptSlug('red\u0301 7 心')).toBe('red\u0301-7-心'.normalize('NFC'));
  expect(promptSlug('🔥 ???')).toBe('');
  expect(promptSlug('word '.repeat(99))).toHaveLength(59); // 60 characters end in a hyphen, which goes
  expect([...promptSlug('𝒳'.repeat(99))]).toHaveLength(60); // no half surrogate pair
});
