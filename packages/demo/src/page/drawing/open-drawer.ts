import { openBrowserDrawer } from './browser-drawer.js';
import type { Drawer } from './drawer.js';
import { openServerDrawer } from './server-drawer.js';

/** What page.json beside the page says: who draws. */
export type PageConfig =
  | { readonly draws: 'server' }
  /** model: address of its folder, from the page. */
  | { readonly draws: 'browser'; readonly model: string; readonly name: string };

/** Backends of a browser that the reader may choose, the one that is taken otherwise first. */
export const BROWSER_BACKENDS = ['wasm', 'webgpu'] as const;

/** Reads page.json. Throws Error with a sentence if it is not there. */
export async function readPageConfig(): Promise<PageConfig> {
  const response = await fetch('page.json', { cache: 'no-cache' }).catch((error: unknown) => {
    throw new Error('The server does not answer. Is it running?', { cause: error });
  });
  if (!response.ok)
    throw new Error(
      `page.json is not there (${response.status}). easel serve and easel demo --static make it.`,
    );
  return (await response.json()) as PageConfig;
}

/** Opens whoever draws. Throws KeyNeeded where a server asks for a key, or Error with a sentence. */
export function openDrawer(
  config: PageConfig,
  options: {
    readonly key: string | undefined;
    readonly backend: string;
    readonly onLoaded: (done: number, total: number) => void;
  },
): Promise<Drawer> {
  return config.draws === 'server'
    ? openServerDrawer(options.key)
    : openBrowserDrawer({ ...config, ...options });
}
