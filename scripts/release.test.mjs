import { expect, test } from '@jest/globals';
import { datedChangelog, inOrder } from './release.mjs';

test('what is unreleased goes below the version; the heading stays for what comes next', () => {
  const text = '# Changelog\n\n## Unreleased\n\n- New.\n\n## 0.1.0, 2026-01-01\n\n- Old.\n';
  expect(datedChangelog(text, '0.2.0', '2026-12-01')).toBe(
    '# Changelog\n\n## Unreleased\n\n## 0.2.0, 2026-12-01\n\n- New.\n\n## 0.1.0, 2026-01-01\n\n- Old.\n',
  );
  expect(() => datedChangelog('# Changelog\n', '0.2.0', 'now')).toThrow('no heading "## Unreleased"');
});

test('each package comes after those on which it depends, also optionally', () => {
  const manifests = new Map([
    ['cli', { dependencies: { train: '1', yargs: '^1' }, optionalDependencies: { native: '1' } }],
    ['train', { dependencies: { core: '1' } }],
    ['core', {}],
    ['native', { optionalDependencies: { 'native-linux': '1' } }],
    ['native-linux', {}],
  ]);
  expect(inOrder(manifests)).toEqual(['core', 'train', 'native-linux', 'native', 'cli']);
});
