#!/usr/bin/env node
// parity.js RESULTS.json… PAGE.md: writes the page from what `conformance --json` wrote.
import { readFileSync, writeFileSync } from 'node:fs';
import { parityPage } from '../dist/parity.js';

const files = process.argv.slice(2);
const page = files.pop();
if (page === undefined || files.length === 0) {
  console.error(
    'parity: expected files of results and the page to write, e.g. out/conformance.json docs/parity.md',
  );
  process.exitCode = 2;
} else {
  const results = files.flatMap((file) => JSON.parse(readFileSync(file, 'utf8')));
  writeFileSync(page, parityPage(results, 'npm run parity'));
  console.log(`${page}: ${results.length} cases`);
}
