import { expect, test } from '@jest/globals';
import { describeFiles, formatBytes, modelContents } from './model-contents.js';

const files = (...paths: string[]) => paths.map((path) => ({ path }));
const chosen = (paths: string[], subfolder = '') => {
  const found = modelContents(files(...paths), subfolder);
  return found && { ...found, files: found.files.map(({ path }) => path).sort() };
};

test('what DALL·E mini needs of its repository, and nothing else', () => {
  expect(
    chosen([
      ...[
        '.gitattributes',
        'README.md',
        'config.json',
        'flax_model.msgpack',
        'pytorch_model.bin',
        'merges.txt',
      ],
      ...['vocab.json', 'tokenizer.json', 'enwiki-words-frequency.txt', 'img/logo.png', 'logo.png'],
    ]),
  ).toEqual({
    form: 'flax',
    hasVqgan: false,
    files: [
      'config.json',
      'enwiki-words-frequency.txt',
      'flax_model.msgpack',
      'merges.txt',
      'tokenizer.json',
      'vocab.json',
    ],
  });
});

test('safetensors come first, and vqgan/ with the model', () => {
  expect(
    chosen([
      'config.json',
      'flax_model.msgpack',
      'model.safetensors',
      'vqgan/config.json',
      'vqgan/model.safetensors',
    ]),
  ).toEqual({
    form: 'easel',
    hasVqgan: true,
    files: ['config.json', 'model.safetensors', 'vqgan/config.json', 'vqgan/model.safetensors'],
  });
});

test('a folder of a repository', () => {
  const paths = [
    'config.json',
    'model.safetensors',
    'small/config.json',
    'small/model.safetensors',
    'small/deep/x.json',
  ];
  expect(chosen(paths, 'small')?.files).toEqual(['small/config.json', 'small/model.safetensors']);
  expect(chosen(paths, 'large')).toBeUndefined();
});

test('parts, if all are there; else the next form', () => {
  const parts = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  const index = 'model.safetensors.index.json';
  expect(chosen(['config.json', index, ...parts])?.files).toEqual(['config.json', ...parts, index]);
  expect(chosen(['config.json', index, parts[0] as string])).toBeUndefined();
  expect(chosen(['config.json', index, parts[0] as string, 'flax_model.msgpack'])).toEqual({
    form: 'flax',
    hasVqgan: false,
    files: ['config.json', 'flax_model.msgpack'],
  });
});

test("PyTorch's files, min-dalle's pair, and what is no model", () => {
  expect(chosen(['config.json', 'last.ckpt'])?.form).toBe('torch');
  expect(chosen(['config.json', 'encoder.pt', 'decoder.pt', 'detoker.pt', 'other.pt'])?.files).toEqual([
    ...['config.json', 'decoder.pt', 'detoker.pt', 'encoder.pt'],
  ]);
  expect(chosen(['config.json', 'a.pt', 'b.pt'])).toBeUndefined();
  expect(chosen(['model.safetensors'])).toBeUndefined();
  expect(chosen(['config.json', 'tf_model.h5'])).toBeUndefined();
});

test('a description names files, how many more, and folders with models', () => {
  const listed = ['README.md', 'small/config.json', 'small/model.safetensors'].map((path, i) => ({
    ...{ path, size: 1500 * i, blobId: '' },
    digest: { algorithm: 'git', hex: '' } as const,
  }));
  expect(describeFiles(listed, 2)).toBe(
    'It has README.md (0 bytes), small/config.json (1.5 kB), and 1 more. Models are in its folders :small.',
  );
  expect(describeFiles([])).toBe('It is empty.');
  expect([999, 1000, 1_750_000_000, 123_456_789].map(formatBytes)).toEqual([
    '999 bytes',
    '1.0 kB',
    '1.8 GB',
    '123 MB',
  ]);
});
