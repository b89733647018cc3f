import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { hubPlace } from './hub-place.js';

test('without variables, the folders of huggingface_hub', () => {
  const place = hubPlace({ HF_TOKEN_PATH: '/nowhere' });
  expect(place).toEqual({
    endpoint: 'https://huggingface.co',
    token: undefined,
    cache: join(homedir(), '.cache/huggingface/hub'),
    assets: join(homedir(), '.cache/huggingface/assets'),
    offline: false,
    symlinks: true,
  });
});

test('the nearer variable counts, and ~ and $NAME stand for folders', () => {
  const cache = (environment: Record<string, string>) => hubPlace(environment).cache;
  expect(cache({ XDG_CACHE_HOME: '/x' })).toBe('/x/huggingface/hub');
  expect(cache({ XDG_CACHE_HOME: '/x', HF_HOME: '/y' })).toBe('/y/hub');
  expect(cache({ HF_HOME: '/y', HUGGINGFACE_HUB_CACHE: '/z' })).toBe('/z');
  expect(cache({ HUGGINGFACE_HUB_CACHE: '/z', HF_HUB_CACHE: '/w' })).toBe('/w');
  expect(cache({ HF_HOME: '~/models' })).toBe(join(homedir(), 'models/hub'));
  expect(cache({ HF_HOME: ['$DISK', '{NAME}'].join('/$'), DISK: '/d', NAME: 'n' })).toBe('/d/n/hub');
  expect(cache({ HF_HOME: '' })).toBe(join(homedir(), '.cache/huggingface/hub'));
});

test('a token from the variable, else from the file that a login writes', () => {
  const home = mkdtempSync(join(tmpdir(), 'easel-token-'));
  try {
    expect(hubPlace({ HF_HOME: home }).token).toBeUndefined();
    writeFileSync(join(home, 'token'), 'hf_file\n');
    expect(hubPlace({ HF_HOME: home }).token).toBe('hf_file');
    expect(hubPlace({ HF_HOME: home, HF_TOKEN: ' hf_variable ' }).token).toBe('hf_variable');
    expect(hubPlace({ HF_HOME: home, HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' }).token).toBeUndefined();
  } finally {
    rmSync(home, { recursive: true });
  }
});

test('switches, and an endpoint with slashes or none at all', () => {
  expect(hubPlace({ HF_HUB_OFFLINE: 'yes' }).offline).toBe(true);
  expect(hubPlace({ HF_HUB_OFFLINE: '0', HF_HUB_DISABLE_SYMLINKS: 'true' })).toMatchObject({
    offline: false,
    symlinks: false,
  });
  expect(hubPlace({ HF_ENDPOINT: 'https://mirror.example/hf//' }).endpoint).toBe('https://mirror.example/hf');
  expect(() => hubPlace({ HF_ENDPOINT: 'mirror' })).toThrow('HF_ENDPOINT: expected an address');
});
