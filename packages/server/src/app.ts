import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { secureHeaders } from 'hono/secure-headers';
import { checkLocalHost, clientOf, keyCheck } from './access.js';
import { ApiError } from './api-error.js';
import type { Env, HttpContext, Services } from './context.js';
import { addDrawApi, DRAW_PATH } from './draw-api.js';
import { asApiError } from './event-stream.js';
import { addImagesApi, PICTURES_PATH } from './images-api.js';
import { addModelApi, addPage, MODEL_PATH, type PageFiles } from './page.js';
import { rootPage } from './root-page.js';

/** Options of `makeApp`. */
export interface AppOptions {
  readonly services: Services;
  /** Files of the page; a plain one is served without. */
  readonly page?: PageFiles | undefined;
  readonly key?: string | undefined;
  readonly cors?: string | undefined;
  /** Whether only this machine is to reach the server. */
  readonly local: boolean;
  /** Writes a line of the log. */
  readonly log: (record: Readonly<Record<string, unknown>>) => void;
}

/** The paths that are there, with their methods and the name under which they are counted. */
const ROUTES: readonly { readonly path: string; readonly methods: string }[] = [
  { path: '/', methods: 'GET, HEAD' },
  { path: '/healthz', methods: 'GET, HEAD' },
  { path: '/readyz', methods: 'GET, HEAD' },
  { path: '/metrics', methods: 'GET, HEAD' },
  { path: '/v1/models', methods: 'GET, HEAD' },
  { path: '/v1/models/:id', methods: 'GET, HEAD' },
  { path: '/v1/images/generations', methods: 'POST' },
  { path: `${PICTURES_PATH}/:file`, methods: 'GET, HEAD' },
  { path: MODEL_PATH, methods: 'GET, HEAD' },
  { path: DRAW_PATH, methods: 'POST' },
  { path: `${DRAW_PATH}/:id`, methods: 'DELETE' },
];

/** Paths that need the key, where there is one. The names of pictures are keys themselves. */
const LOCKED = ['/v1/*', '/api/*', '/metrics'];

const patterns = ROUTES.map(({ path }) => ({
  path,
  pattern: new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`),
}));

/** The route of a path, for counting; paths that are not there share one name. */
function routeOf(path: string): string {
  return patterns.find(({ pattern }) => pattern.test(path))?.path ?? 'other';
}

function answer(c: HttpContext, error: ApiError): Response {
  return c.json(error.body, error.status as 400, error.headers);
}

/** Returns the server's application: all paths, their bounds and their headers. */
export function makeApp({ services, page, key, cors: origin, local, log }: AppOptions): Hono<Env> {
  const { desk } = services;
  const { metrics } = desk;
  const app = new Hono<Env>();

  app.use(async (c, next) => {
    const began = performance.now();
    const { incoming, outgoing } = c.env;
    const { method, path } = c.req;
    const client = clientOf(incoming.socket.remoteAddress);
    const requestId = randomUUID();
    c.set('client', client);
    c.set('requestId', requestId);
    c.set('onFault', (error) => {
      const stack = error instanceof Error ? error.stack : String(error);
      log({ level: 'error', id: requestId, message: 'fault', stack });
    });
    c.header('x-request-id', requestId);
    outgoing.once('close', () => {
      const took = performance.now() - began;
      const route = routeOf(path);
      const { statusCode: status, writableFinished } = outgoing;
      metrics.http.inc({ route, method: METHODS.has(method) ? method : 'other', status });
      metrics.httpSeconds.observe({ route }, took / 1000);
      const left = writableFinished ? {} : { left: true };
      const line = { id: requestId, client, method, path: path.slice(0, 200), status, ms: Math.round(took) };
      log({ level: 'info', ...line, ...left });
    });
    await next();
  });
  app.use(
    secureHeaders({
      contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"] },
      referrerPolicy: 'no-referrer',
      strictTransportSecurity: false, // the server speaks plain HTTP
      xFrameOptions: 'DENY',
      overwrite: false, // the page has a policy of its own
      // A page that may call the API may show its pictures.
      crossOriginResourcePolicy: origin === undefined ? 'same-origin' : 'cross-origin',
    }),
  );
  if (local) {
    app.use(async (c, next) => {
      checkLocalHost(c.req.header('host'));
      await next();
    });
  }
  if (origin !== undefined) app.use(cors({ origin, allowMethods: ['GET', 'POST', 'DELETE'] }));
  if (key !== undefined) {
    const check = keyCheck(key);
    for (const path of LOCKED) {
      app.use(path, async (c, next) => {
        check(c.req.header('authorization'));
        await next();
      });
    }
  }

  if (page === undefined) app.get('/', (c) => c.html(rootPage(services.name, services.facts)));
  else addPage(app, page);
  addModelApi(app, services);
  app.get('/healthz', (c) => c.text('ok\n'));
  app.get('/readyz', (c) => (desk.ready ? c.text('ready\n') : c.text('not ready\n', 503)));
  app.get('/metrics', async (c) =>
    c.body(await metrics.registry.metrics(), 200, { 'content-type': metrics.registry.contentType }),
  );
  addImagesApi(app, services);
  addDrawApi(app, services);
  for (const { path, methods } of ROUTES) {
    app.all(path, (c) => {
      throw new ApiError(405, `${c.req.method} is not allowed here. Use ${methods}.`, { allow: methods });
    });
  }
  app.notFound((c) =>
    answer(
      c,
      new ApiError(404, `There is nothing at ${c.req.path.slice(0, 200)}. GET / lists what there is.`),
    ),
  );
  app.onError((error, c) => answer(c, asApiError(error, c)));
  return app;
}

/** Methods that are counted under their names. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
