import { useCallback, useEffect, useState } from 'preact/hooks';
import { goOffline } from '../offline/go-offline.js';
import type { Drawer } from './drawer.js';
import { BROWSER_BACKENDS, openDrawer, readPageConfig } from './open-drawer.js';
import { KeyNeeded } from './server-drawer.js';

const KEY = 'easel-key';
const BACKEND = 'easel-backend';

/** How far whoever draws is from drawing. */
export type Opening =
  | { readonly state: 'opening' }
  /** Bytes of the model that are there, of all. */
  | { readonly state: 'loading'; readonly done: number; readonly total: number }
  | { readonly state: 'key'; readonly message: string }
  | { readonly state: 'failed'; readonly message: string }
  | { readonly state: 'open'; readonly drawer: Drawer };

/** Whoever draws, and what the reader may choose about it. */
export interface DrawerChoice {
  readonly opening: Opening;
  readonly backends: readonly string[];
  readonly backend: string;
  setBackend(backend: string): void;
  giveKey(key: string): void;
  retry(): void;
}

/** Opens whoever draws: the page's server, or a model in this browser. */
export function useDrawer(): DrawerChoice {
  const [opening, setOpening] = useState<Opening>({ state: 'opening' });
  const [isLocal, setIsLocal] = useState(false);
  const [attempt, setAttempt] = useState(0);
  const [backend, setBackend] = useState<string>(() => localStorage.getItem(BACKEND) ?? BROWSER_BACKENDS[0]);

  useEffect(() => {
    let isCurrent = true;
    const tell = (next: Opening) => isCurrent && setOpening(next);
    const open = async () => {
      tell({ state: 'opening' });
      const config = await readPageConfig();
      const draws = config.draws === 'browser';
      setIsLocal(draws);
      if (draws) await goOffline();
      const drawer = await openDrawer(config, {
        key: sessionStorage.getItem(KEY) ?? undefined,
        backend,
        onLoaded: (done, total) => tell({ state: 'loading', done, total }),
      });
      if (isCurrent) tell({ state: 'open', drawer });
      else drawer.close();
    };
    open().catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      tell({ state: error instanceof KeyNeeded ? 'key' : 'failed', message });
    });
    return () => {
      isCurrent = false;
    };
  }, [backend, attempt]);

  useEffect(() => {
    if (opening.state !== 'open') return undefined;
    return () => opening.drawer.close();
  }, [opening]);

  return {
    opening,
    backends: isLocal ? BROWSER_BACKENDS : [],
    backend,
    setBackend: useCallback((name: string) => {
      localStorage.setItem(BACKEND, name);
      setBackend(name);
    }, []),
    giveKey: useCallback((key: string) => {
      sessionStorage.setItem(KEY, key);
      setAttempt((number) => number + 1);
    }, []),
    retry: useCallback(() => setAttempt((number) => number + 1), []),
  };
}
