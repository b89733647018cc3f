import { parseArgs } from 'node:util';
import { fuzz, READERS } from './readers.js';

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '10000' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: `${0x2545f491}` },
  },
});

// npm run fuzz -- [--files 10000] [--only READER] [--seed N]
console.log('| reader | damaged files | refused | read | files/s |\n|---|--:|--:|--:|--:|');
for (const reader of READERS.filter(({ name }) => name.includes(values.only))) {
  const start = performance.now();
  const { files, refused } = await fuzz(reader, Number(values.files), Number(values.seed));
  const rate = files / ((performance.now() - start) / 1000);
  console.log(`| ${reader.name} | ${files} | ${refused} | ${files - refused} | ${rate.toFixed(0)} |`);
}
