#!/usr/bin/env node
// Checked in so that npm can link it before `dist` exists.
import { existsSync } from 'node:fs';

const entry = new URL('../dist/main.js', import.meta.url);
if (existsSync(entry)) await (await import(entry.href)).main(process.argv.slice(2));
else {
  process.stderr.write('easel: it is not built yet. Run: npm run build\n');
  process.exitCode = 1;
}
