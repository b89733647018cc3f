import { createHash, timingSafeEqual } from 'node:crypto';
import { ApiError } from './api-error.js';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);

/** Whether an address is reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.has(host) || /^127(\.\d{1,3}){3}$/.test(host);
}

const digestOf = (text: string) => createHash('sha256').update(text).digest();

/** Returns a check of the header Authorization. It takes as long for any key. */
export function keyCheck(key: string): (authorization: string | undefined) => void {
  const expected = digestOf(key);
  return (authorization) => {
    const [, given] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
    if (given !== undefined && timingSafeEqual(digestOf(given), expected)) return;
    throw new ApiError(
      401,
      given === undefined
        ? 'This server needs a key: send it as "Authorization: Bearer KEY".'
        : 'The key is wrong. Ask whoever runs this server for the right one.',
      { code: 'invalid_api_key' },
    );
  };
}

/**
 * Refuses a request whose header Host names another host than this machine. Otherwise a page
 * anywhere could have its own name point to 127.0.0.1 and so read from a server that is meant for
 * this machine.
 */
export function checkLocalHost(host: string | undefined): void {
  const name = host?.replace(/:\d+$/, '').toLowerCase() ?? '';
  if (isLoopback(name)) return;
  throw new ApiError(
    403,
    `This server is for its own machine and is not reached as "${name.slice(0, 100)}". Start it with --host to serve others.`,
  );
}

/** The client of a request, by its address. */
export function clientOf(address: string | undefined): string {
  return (address ?? 'unknown').replace(/^::ffff:/, '');
}
