import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { gatherPrompts } from './prompts.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'easel-prompts-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(bytes: string | Uint8Array): string {
  const path = join(folder, 'prompts.txt');
  writeFileSync(path, bytes);
  return path;
}

describe('gatherPrompts', () => {
  test('arguments first, then the lines of the file; blank lines, CRLF and a BOM do not matter', async () => {
    const path = file('\ufeffa dog\r\n\r\n  \nein Löwe\n');
    expect(await gatherPrompts(['a red heart'], path)).toEqual(['a red heart', 'a dog', 'ein Löwe']);
  });

  test('none, blank, or a file without any', async () => {
    await expect(gatherPrompts([], undefined)).rejects.toThrow('No prompt given');
    await expect(gatherPrompts(['a dog', ' \t'], undefined)).rejects.toThrow('Prompt 2 is empty');
    await expect(gatherPrompts([], file('\n\n'))).rejects.toThrow(
      'expected one prompt a line, found no prompt',
    );
  });

  test('invalid UTF-8 in an argument (as Node shows it) and in a file, with the place', async () => {
    await expect(gatherPrompts(['caf\ufffd'], undefined)).rejects.toThrow('Prompt 1 is not valid UTF-8');
    // "a dog\n" is bytes 0-5; 0xe9 at byte 9, Latin-1 for é, begins a sequence that byte 10 breaks.
    const bytes = Uint8Array.from([...Buffer.from('a dog\ncaf'), 0xe9, 0x0a]);
    await expect(gatherPrompts([], file(bytes))).rejects.toThrow(
      'line 2 is not valid UTF-8 (near byte 10 of the file)',
    );
    // A sequence that ends too early at the end of the file.
    await expect(gatherPrompts([], file(Uint8Array.from([0x61, 0xe2, 0x82])))).rejects.toThrow(
      'not valid UTF-8',
    );
  });
});
