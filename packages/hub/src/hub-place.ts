import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConfigError } from '@easel/core';

/** Where the hub is, who asks, and where its files are kept. */
export interface HubPlace {
  /** Address of the hub without a slash at its end. */
  readonly endpoint: string;
  /** The user's access token, sent to the endpoint alone. */
  readonly token: string | undefined;
  /** Folder of the cache: `models--org--name` lies in it. */
  readonly cache: string;
  /** Folder for what programs make of the hub's files. */
  readonly assets: string;
  /** Whether nothing may be asked of the network. */
  readonly offline: boolean;
  /** Whether files are linked in place of copied, where the file system can. */
  readonly symlinks: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_ENDPOINT = 'https://huggingface.co';

/**
 * Reads where the hub is from the variables that Python's huggingface_hub reads, with the same
 * meaning: HF_ENDPOINT; HF_TOKEN, else the file of HF_TOKEN_PATH (`hf auth login` writes it);
 * HF_HUB_CACHE, else HF_HOME, else XDG_CACHE_HOME; HF_ASSETS_CACHE; HF_HUB_OFFLINE;
 * HF_HUB_DISABLE_SYMLINKS; HF_HUB_DISABLE_IMPLICIT_TOKEN. Throws ConfigError for an endpoint that
 * is no address.
 */
export function hubPlace(environment: Environment = process.env): HubPlace {
  const given = (name: string) => environment[name] || undefined;
  const folder = (name: string) => {
    const path = given(name);
    return path === undefined ? undefined : expand(path, environment);
  };
  const home =
    folder('HF_HOME') ?? join(folder('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'huggingface');
  return {
    endpoint: endpointOf(given('HF_ENDPOINT') ?? DEFAULT_ENDPOINT),
    token: isTrue(given('HF_HUB_DISABLE_IMPLICIT_TOKEN'))
      ? undefined
      : (clean(given('HF_TOKEN') ?? given('HUGGING_FACE_HUB_TOKEN')) ??
        tokenIn(folder('HF_TOKEN_PATH') ?? join(home, 'token'))),
    cache: resolve(folder('HF_HUB_CACHE') ?? folder('HUGGINGFACE_HUB_CACHE') ?? join(home, 'hub')),
    assets: resolve(folder('HF_ASSETS_CACHE') ?? folder('HUGGINGFACE_ASSETS_CACHE') ?? join(home, 'assets')),
    offline: isTrue(given('HF_HUB_OFFLINE') ?? given('TRANSFORMERS_OFFLINE')),
    symlinks: !isTrue(given('HF_HUB_DISABLE_SYMLINKS')),
  };
}

/** Replaces `~`, `$NAME` and `${NAME}`, as Python's expanduser and expandvars do. */
function expand(path: string, environment: Environment): string {
  return path
    .replace(/^~(?=$|[/\\])/, homedir())
    .replace(/\$(?:(\w+)|\{(\w+)\})/g, (whole, bare, braced) => environment[bare ?? braced] ?? whole);
}

function endpointOf(text: string): string {
  const address = URL.canParse(text) ? new URL(text) : undefined;
  if (address?.protocol !== 'https:' && address?.protocol !== 'http:')
    throw new ConfigError(`HF_ENDPOINT: expected an address as ${DEFAULT_ENDPOINT}, got "${text}".`);
  return text.replace(/\/+$/, '');
}

function tokenIn(path: string): string | undefined {
  try {
    return clean(readFileSync(path, 'utf8'));
  } catch {
    return undefined; // nobody has logged in here
  }
}

function clean(token: string | undefined): string | undefined {
  return token?.replace(/[\r\n]/g, '').trim() || undefined;
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && ['1', 'ON', 'YES', 'TRUE'].includes(value.toUpperCase());
}
