import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { EaselError } from '@easel/core';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { lockFolder } from './folder-lock.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'easel-lock-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('a second lock is refused until the first is released', async () => {
  const first = await lockFolder(folder);
  await expect(lockFolder(folder)).rejects.toThrow(EaselError);
  await expect(lockFolder(folder)).rejects.toThrow(`process ${process.pid} on ${hostname()}`);
  await first.release();
  expect(existsSync(join(folder, 'lock'))).toBe(false);
  const second = await lockFolder(folder);
  await first.release(); // released already: must not free the second
  expect(existsSync(join(folder, 'lock'))).toBe(true);
  await second.release();
});

test('the lock of a process that is gone is taken over', async () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  writeFileSync(join(folder, 'lock'), JSON.stringify({ pid, host: hostname(), started: null }));
  const lock = await lockFolder(folder);
  expect(JSON.parse(readFileSync(join(folder, 'lock'), 'utf8'))).toMatchObject({ pid: process.pid });
  await lock.release();
});

test('a lock whose process number was given to a later process is taken over', async () => {
  if (process.platform !== 'linux') return; // start times are known on Linux only
  writeFileSync(join(folder, 'lock'), JSON.stringify({ pid: process.pid, host: hostname(), started: '1' }));
  await (await lockFolder(folder)).release();
});

test('of several that find a stale lock one wins', async () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  writeFileSync(join(folder, 'lock'), JSON.stringify({ pid, host: hostname(), started: null }));
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(folder)));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test.each([
  ['another host', JSON.stringify({ pid: 1, host: 'elsewhere', started: null }), /process 1 on elsewhere/],
  ['no readable owner', 'nonsense', /another run writes/],
])('a lock of %s is respected', async (_, content, message) => {
  writeFileSync(join(folder, 'lock'), content);
  await expect(lockFolder(folder)).rejects.toThrow(message);
});

test('a folder that cannot be written to is a clear error', async () => {
  await expect(lockFolder(join(folder, 'nowhere'))).rejects.toThrow(/nowhere: can't be written to/);
});
