import { expect, test } from '@jest/globals';
import { checkLocalHost, clientOf, isLoopback, keyCheck } from './access.js';

test.each([
  ['127.0.0.1', true],
  ['127.8.0.1', true],
  ['::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['127.0.0.1.example.com', false],
  ['192.168.0.2', false],
])('%s is reached from this machine alone: %s', (host, local) => {
  expect(isLoopback(host)).toBe(local);
});

test.each(['localhost', 'LOCALHOST:7860', '127.0.0.1:1', '[::1]:7860'])('Host %s is this machine', (host) => {
  expect(() => checkLocalHost(host)).not.toThrow();
});

test.each(['evil.example', 'localhost.evil.example:7860', '10.0.0.1', '', undefined])(
  'Host %s is not',
  (host) => {
    expect(() => checkLocalHost(host)).toThrow('--host');
  },
);

test('a key', () => {
  const check = keyCheck('geheim ü'.replace(' ', '-'));
  expect(() => check('Bearer geheim-ü')).not.toThrow();
  expect(() => check('bearer  geheim-ü ')).not.toThrow();
  expect(() => check(undefined)).toThrow('needs a key');
  expect(() => check('Basic geheim-ü')).toThrow('needs a key');
  expect(() => check('Bearer geheim')).toThrow('wrong');
});

test('a client is the same by IPv4 and by IPv6 of it', () => {
  expect(['::ffff:10.0.0.1', '10.0.0.1', '::1', undefined].map(clientOf)).toEqual([
    '10.0.0.1',
    '10.0.0.1',
    '::1',
    'unknown',
  ]);
});
