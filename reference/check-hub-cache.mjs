// Shows that Easel and Python's huggingface_hub share one cache: what one fetched the other finds.
//
//     python3 -m venv venv && venv/bin/pip install huggingface_hub==2.4.0
//     node reference/check-hub-cache.mjs venv/bin/python
//
// A hub of our own serves a repository. Python fetches it into one cache, and Easel opens and verifies
// it there without a request. Easel fetches it into another, and Python finds each file there without
// network, scans the cache without a warning, and fetches only what Easel left out. Prints a line for
// each, and ends with 1 where one fails. Needs a build (npm run build).
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { fetchModel, findModel, hubPlace, listModels, verifyModels } from '@easel/hub';
import { build } from 'esbuild';

const [python] = process.argv.slice(2);
if (python === undefined) {
  console.error('usage: node reference/check-hub-cache.mjs PYTHON, one that has huggingface_hub');
  process.exit(2);
}
const root = mkdtempSync(join(tmpdir(), 'easel-hub-check-'));
const script = join(import.meta.dirname, 'check-hub-cache.py');
let failed = 0;

function check(what, holds, seen) {
  if (!holds) failed++;
  console.log(`${holds ? 'yes' : 'NO '}  ${what}${holds ? '' : `: ${JSON.stringify(seen)}`}`);
}

async function inPython(home, endpoint, ...args) {
  const env = { ...process.env, HF_HOME: home, HF_ENDPOINT: endpoint, HF_HUB_DISABLE_TELEMETRY: '1' };
  delete env.HF_HUB_CACHE;
  const { stdout } = await promisify(execFile)(python, [script, ...args], { env });
  return JSON.parse(stdout);
}

const bundle = join(root, 'hub-server.mjs');
const entryPoints = [join(import.meta.dirname, '../packages/hub/testing/hub-server.ts')];
await build({ entryPoints, outfile: bundle, bundle: true, platform: 'node', format: 'esm' });
const { repositoryOf, serveHub } = await import(pathToFileURL(bundle).href);
const files = {
  'config.json': '{"model_type": "other"}',
  'model.safetensors': Uint8Array.from({ length: 100_000 }, (_, i) => (i * i) >> 3),
  'vqgan/config.json': '{}',
  'vqgan/model.safetensors': Uint8Array.from({ length: 5000 }, (_, i) => i >> 1),
  'README.md': '# A model',
};
const model = Object.keys(files).filter((name) => name !== 'README.md');
const name = 'easel/tiny';
const hub = await serveHub({ [name]: repositoryOf(files) });
try {
  const theirs = join(root, 'theirs');
  const fetched = await inPython(theirs, hub.endpoint, 'fetch', name);
  console.log(`huggingface_hub ${fetched.version}`);
  const offline = hubPlace({ HF_HOME: theirs, HF_ENDPOINT: hub.endpoint, HF_HUB_OFFLINE: '1' });
  hub.seen.length = 0;
  const found = await findModel(`hf:${name}`, offline);
  check('Python fetched, Easel finds the same folder', found?.folder === fetched.folder, [found, fetched]);
  const [verified] = await verifyModels(`hf:${name}`, { place: offline });
  check('Easel knows all their digests', verified?.files === 5 && verified.faults.length === 0, verified);
  check('and asked the hub for nothing', hub.seen.length === 0, hub.seen);
  const online = { ...offline, offline: false };
  await fetchModel(`hf:${name}`, { place: online });
  const asked = hub.seen.filter(({ path }) => !path.startsWith('/api/models/'));
  check('Easel fetches none of it again', asked.length === 0, asked);

  const ours = join(root, 'ours');
  const place = hubPlace({ HF_HOME: ours, HF_ENDPOINT: hub.endpoint });
  const mine = await fetchModel(`hf:${name}`, { place });
  hub.seen.length = 0;
  const { paths, repos, warnings } = await inPython(ours, hub.endpoint, 'find', name, ...model);
  const same = model.every((file, i) => paths[i] === join(mine.folder, file));
  check('Easel fetched, Python finds each file at the same path', same, paths);
  const bytes = (file) => Buffer.from(files[file]);
  check(
    'with the same bytes',
    model.every((file, i) => readFileSync(paths[i]).equals(bytes(file))),
    paths,
  );
  check('and asked the hub for nothing', hub.seen.length === 0, hub.seen);
  const { refs, files: count } = repos[name] ?? {};
  check('Python scans the cache without a warning', warnings.length === 0 && count === 4, [repos, warnings]);
  check('and sees the branch', refs?.join() === 'main', refs);
  const again = await inPython(ours, hub.endpoint, 'fetch', name);
  const gets = hub.seen.filter(({ method, path }) => method === 'GET' && !path.startsWith('/api/models/'));
  check(
    'Python fetches only what Easel left out',
    gets.every(({ path }) => path.endsWith('README.md')),
    gets,
  );
  const [{ files: now } = {}] = await listModels(place);
  check('into the same folder', again.folder === mine.folder && now === 5, [again, now]);
  writeFileSync(join(mine.folder, 'README.md'), '# A mOdel');
  const [damaged] = await verifyModels(`hf:${name}`, { place });
  check('Easel finds the damage of a file that Python fetched', damaged?.faults.length === 1, damaged);
} finally {
  await hub.close();
  rmSync(root, { recursive: true });
}
process.exitCode = failed > 0 ? 1 : 0;
