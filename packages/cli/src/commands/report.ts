import { join } from 'node:path';
import { writeFileAtomic } from '@easel/core/internals/node';
import { isSweep, readRun, readSweep, runReport, writeSweepReport } from '@easel/train';
import { defineCommand } from '../command.js';
import { textOption } from '../options.js';

export const report = defineCommand({
  name: 'report',
  usage: '<run>',
  description: 'Write a training run or a sweep as one HTML page: curves, pictures, settings, environment',
  positionals: {
    run: { type: 'string', demandOption: true, describe: 'folder of easel train, train-vqgan or sweep' },
  },
  options: { out: textOption('out', 'HTML file (default: report.html in the run folder)') },
  examples: [['easel report runs/emoji', 'writes runs/emoji/report.html, also while the run goes on']],
  run: async ({ run, out }) => {
    const path = out ?? join(run, 'report.html');
    if (await isSweep(run)) {
      const { config, records } = await readSweep(run);
      await writeSweepReport(run, config, records, path);
    } else await writeFileAtomic(path, runReport(await readRun(run)));
    process.stdout.write(`${path}\n`);
  },
});
