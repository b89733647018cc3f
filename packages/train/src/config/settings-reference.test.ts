import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { settingsReference } from '../../testing/settings-reference.js';

const file = join(import.meta.dirname, '../../../../docs/settings.md');

test('docs/settings.md is what the schemas say (npm run settings-reference writes it)', () => {
  const made = settingsReference();
  if (process.env.EASEL_WRITE_SETTINGS !== undefined) writeFileSync(file, made);
  expect(readFileSync(file, 'utf8')).toBe(made);
});

test('settings of every section are there, with what they take, defaults and meanings', () => {
  const rows = settingsReference().split('\n');
  const row = (start: string) => rows.find((line) => line.startsWith(`| \`${start}\` |`));
  expect(row('optimizer.shampoo.blockSize')).toBe(
    '| `optimizer.shampoo.blockSize` | a whole number from 1 | `1024` |  | Longest side of a preconditioned block. |',
  );
  expect(row('data.train')).toMatch(/\| needed \| yes \| Encoded set to train on/);
  expect(row('adversarial.startStep')).toContain('Steps before the discriminator is trained and counts.');
  expect(row('data.maxAspect')).toContain('longer side');
  expect(row('checkpoint.best.metric')).toBeDefined();
  const without = rows.filter((line) => /^\| `/.test(line) && /\|\s*\|$/.test(line));
  expect(without).toEqual([]);
});
