// small-program.mjs in Node 22 and 24, Bun, Deno and vitest: the same losses as in this Node, to the last bit.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const modules = join(import.meta.dirname, 'node_modules');
const runtimes = {
  [`Node ${process.versions.node}`]: [process.execPath, 'print-small-program.mjs'],
  'Node 22': [join(modules, 'node22/bin/node'), 'print-small-program.mjs'],
  'Node 24': [join(modules, 'node24/bin/node'), 'print-small-program.mjs'],
  Bun: [join(modules, 'bun/bin/bun.exe'), 'print-small-program.mjs'],
  Deno: [process.execPath, join(modules, 'deno/bin.cjs'), 'run', '--allow-all', 'print-small-program.mjs'],
  vitest: [process.execPath, join(modules, 'vitest/vitest.mjs'), 'run', 'small-program.test.mjs'],
};
let expected;
for (const [name, [command, ...args]] of Object.entries(runtimes)) {
  const { stdout, stderr } = spawnSync(command, args, { cwd: import.meta.dirname, encoding: 'utf8' });
  const printed = /\{"backend".*\}/.exec(stdout ?? '')?.[0];
  expected ??= printed;
  const ok = printed !== undefined && printed === expected && printed.includes('"backend":"native"');
  const error = ok ? {} : { error: printed ?? `${stdout}\n${stderr}` };
  console.log(JSON.stringify({ name, result: printed, ...error, ok }));
  if (!ok) process.exitCode = 1;
}
