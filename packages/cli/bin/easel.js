#!/usr/bin/env node
// Checked in so that npm can link it before `dist` exists.
import('../dist/main.js').then((m) => m.main(process.argv.slice(2)));
