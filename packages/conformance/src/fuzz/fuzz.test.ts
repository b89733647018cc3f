import { expect, jest, test } from '@jest/globals';
import { fuzz, READERS } from './readers.js';

// EASEL_FUZZ_FILES=10000 for a long run; `npm run fuzz` prints counts.
const FILES = Number(process.env.EASEL_FUZZ_FILES ?? 150);
jest.setTimeout(300_000 + 100 * FILES); // a busy machine

test.each(READERS.map((reader) => [reader.name, reader] as const))(
  `%s: ${FILES} damaged files are read or refused by an EaselError`,
  async (_, reader) => {
    const { refused } = await fuzz(reader, FILES);
    // Damage that hits only numbers of a tensor leaves a good file: both kinds must occur, or the
    // files are no test.
    expect(refused).toBeGreaterThan(FILES / 10);
    expect(refused).toBeLessThan(FILES);
  },
);
