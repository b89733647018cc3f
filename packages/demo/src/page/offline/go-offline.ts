/** Milliseconds that the page waits for its service worker before it goes on without. */
const PATIENCE = 15_000;

/** Says that this tab was loaded again for the sake of threads. */
const RELOADED = 'easel-isolated';

/**
 * Starts the service worker that lets the page open without a network and isolates it, which
 * WebAssembly's threads need. Where the page isn't isolated yet, it is loaded again, once a tab.
 * Resolves when the page is to go on.
 */
export async function goOffline(): Promise<void> {
  // Pages of plain http from elsewhere have none.
  if (navigator.serviceWorker === undefined) return;
  try {
    await navigator.serviceWorker.register('service-worker.js');
    if (globalThis.crossOriginIsolated || sessionStorage.getItem(RELOADED) !== null) return;
    const ready = await Promise.race([controlled().then(() => true), pause(PATIENCE)]);
    if (!ready) return;
    sessionStorage.setItem(RELOADED, 'yes');
    location.reload();
    await new Promise(() => undefined);
  } catch (error) {
    console.info('The page works without its service worker:', error);
  }
}

/** Resolves when a service worker answers for this page. */
function controlled(): Promise<void> {
  const { serviceWorker } = navigator;
  if (serviceWorker.controller !== null) return Promise.resolve();
  return new Promise((resolve) => {
    serviceWorker.addEventListener('controllerchange', () => resolve(), { once: true });
  });
}

function pause(milliseconds: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), milliseconds));
}
