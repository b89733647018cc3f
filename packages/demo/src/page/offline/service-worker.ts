// Keeps the page's own files, so that it opens without a network, and answers with the headers that
// isolate it from other origins, since WebAssembly has threads only there. The model's files are
// kept by the page itself.

/** Names of the page's files; the build fills them in. */
declare const __EASEL_FILES__: readonly string[];
/** A digest of all of them. */
declare const __EASEL_DIGEST__: string;

const scope = self as unknown as ServiceWorkerGlobalScope;

const PREFIX = 'easel-page-';
const CACHE = PREFIX + __EASEL_DIGEST__;
const CONFIG = 'page.json';

const addressOf = (name: string) => new URL(name, scope.registration.scope).href;

scope.addEventListener('install', (event) => {
  const fill = async () => {
    const cache = await caches.open(CACHE);
    const requests = ['./', CONFIG, ...__EASEL_FILES__].map(
      (name) => new Request(addressOf(name), { cache: 'reload' }),
    );
    await cache.addAll(requests);
    await scope.skipWaiting();
  };
  event.waitUntil(fill());
});

scope.addEventListener('activate', (event) => {
  const takeOver = async () => {
    const names = await caches.keys();
    const old = names.filter((name) => name.startsWith(PREFIX) && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await scope.clients.claim();
  };
  event.waitUntil(takeOver());
});

scope.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || !request.url.startsWith(scope.registration.scope)) return;
  url.search = '';
  url.hash = '';
  if (url.href === addressOf(CONFIG)) event.respondWith(newest(request));
  else if (request.mode === 'navigate' || isOwn(url.href)) event.respondWith(kept(request, url.href));
});

const own = new Set(__EASEL_FILES__.map(addressOf));

function isOwn(address: string): boolean {
  return own.has(address);
}

async function kept(request: Request, address: string): Promise<Response> {
  const cache = await caches.open(CACHE);
  const found = await cache.match(address, { ignoreVary: true });
  return isolated(found ?? (await fetch(request)));
}

/** The answer of the network, or without a network the one that was kept. */
async function newest(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(addressOf(CONFIG), response.clone());
    return response;
  } catch (error) {
    const found = await cache.match(addressOf(CONFIG));
    if (found === undefined) throw error;
    return found;
  }
}

function isolated(response: Response): Response {
  if (response.type === 'opaqueredirect' || response.status === 0) return response;
  const headers = new Headers(response.headers);
  headers.set('cross-origin-opener-policy', 'same-origin');
  headers.set('cross-origin-embedder-policy', 'require-corp');
  headers.set('cross-origin-resource-policy', 'same-origin');
  const { status, statusText, body } = response;
  return new Response(body, { status, statusText, headers });
}
