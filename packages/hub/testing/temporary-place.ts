import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HubPlace } from '../src/hub-place.js';

/** A cache in a folder of its own, for a hub at `endpoint`. */
export interface TemporaryPlace {
  readonly place: HubPlace;
  /** HF_HOME for programs that read the environment. */
  readonly home: string;
  remove(): void;
}

/** Makes an empty cache. */
export function temporaryPlace(endpoint: string, more: Partial<HubPlace> = {}): TemporaryPlace {
  const home = mkdtempSync(join(tmpdir(), 'easel-hub-'));
  const place = {
    ...{ endpoint, token: undefined, cache: join(home, 'hub'), assets: join(home, 'assets') },
    ...{ offline: false, symlinks: true },
    ...more,
  };
  return { place, home, remove: () => rmSync(home, { recursive: true, force: true }) };
}
