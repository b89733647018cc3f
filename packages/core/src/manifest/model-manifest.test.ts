import { describe, expect, test } from '@jest/globals';
import { CheckpointError, ConfigError } from '../errors.js';
import { memoryFiles } from '../files/memory-files.js';
import { ModelFiles } from '../files/model-files.js';
import {
  MANIFEST_FILE,
  makeManifest,
  manifestToJson,
  openManifest,
  openUndamaged,
  verifyModel,
} from './model-manifest.js';

// The digest of FIPS 180-2's first example.
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

async function listed<T extends Readonly<Record<string, string>>>(contents: T) {
  const manifest = await makeManifest(memoryFiles(contents), Object.keys(contents), 'copy it');
  return { ...contents, [MANIFEST_FILE]: JSON.stringify(manifestToJson(manifest)) };
}
const whole = { 'config.json': '{}', 'vqgan/weights': 'abc' };

test('a manifest has sizes and SHA-256, and round-trips', async () => {
  const files = memoryFiles(await listed(whole));
  const manifest = await openManifest(files);
  expect(manifest?.restore).toBe('copy it');
  expect(manifest?.files.get('vqgan/weights')).toEqual({ size: 3, sha256: ABC });
  expect(await verifyModel(files)).toBe(2);
  await expect(makeManifest(files, ['none'])).rejects.toThrow('memory/none: there is no such file');
});

describe('damage', () => {
  const open = () => Promise.resolve('opened');
  const parse = () => Promise.reject(new ConfigError('config.json: not JSON'));

  test.each([
    ['truncated', { 'vqgan/weights': 'ab' }, 'memory/vqgan/weights has 2 bytes in place of 3'],
    ['empty', { 'config.json': '' }, 'memory/config.json has 0 bytes in place of 2'],
  ])('%s: found before it is opened', async (_, changes, fault) => {
    const files = memoryFiles({ ...(await listed(whole)), ...changes });
    const message = `Model memory is damaged: ${fault}. To restore it: copy it. If it was changed on purpose, delete memory/manifest.json.`;
    await expect(openUndamaged(files, open)).rejects.toThrow(new CheckpointError(message));
    await expect(verifyModel(files)).rejects.toThrow(message);
  });

  test('missing, and several at once', async () => {
    const { 'vqgan/weights': _, ...others } = await listed(whole);
    const files = memoryFiles({ ...others, 'config.json': '' });
    await expect(openUndamaged(files, open)).rejects.toThrow(
      'config.json has 0 bytes in place of 2; memory/vqgan/weights is missing. To restore',
    );
  });

  test('flipped bytes: found by verifying, and where opening fails over them', async () => {
    const files = memoryFiles({ ...(await listed(whole)), 'config.json': '{"' });
    const message = 'memory/config.json has other bytes than it had (its SHA-256 differs). To restore';
    await expect(verifyModel(files)).rejects.toThrow(message);
    await expect(openUndamaged(files, parse)).rejects.toThrow(message);
    expect(await openUndamaged(files, open)).toBe('opened'); // only sizes are compared before
  });

  test('an error of undamaged files, of a defect, or without a manifest stays what it was', async () => {
    const files = memoryFiles(await listed(whole));
    await expect(openUndamaged(files, parse)).rejects.toThrow(new ConfigError('config.json: not JSON'));
    const defect = () => Promise.reject(new TypeError('x is not a function'));
    const broken = memoryFiles({ ...(await listed(whole)), 'config.json': '{"' });
    await expect(openUndamaged(broken, defect)).rejects.toThrow(TypeError);
    await expect(openUndamaged(memoryFiles(whole), parse)).rejects.toThrow('config.json: not JSON');
    await expect(verifyModel(memoryFiles(whole))).rejects.toThrow('manifest.json: there is no such file');
  });

  test('files that nobody can list are asked for only after a failure', async () => {
    const asked: string[] = [];
    const inner = memoryFiles({ ...(await listed(whole)), 'config.json': '{' });
    class Remote extends ModelFiles {
      readonly description = 'remote';
      open(name: string) {
        asked.push(name);
        return inner.open(name);
      }
      folder(name: string) {
        return inner.folder(name);
      }
    }
    expect(await openUndamaged(new Remote(), open)).toBe('opened');
    expect(asked).toEqual([]);
    await expect(openUndamaged(new Remote(), parse)).rejects.toThrow('config.json has 1 bytes in place of 2');
  });

  test.each([
    ['{', 'memory/manifest.json: not JSON'],
    ['{"files": {"a": {"size": -1, "sha256": "x"}}}', 'files.a.size: expected a whole number from 0, got -1'],
    ['{"file": {}}', 'memory/manifest.json: file: there is no such setting. Did you mean "files"?'],
  ])('no manifest: %s', async (text, message) => {
    await expect(openUndamaged(memoryFiles({ [MANIFEST_FILE]: text }), open)).rejects.toThrow(message);
  });
});
