import { defineCommand } from '../command.js';
import { textOption } from '../options.js';
import { makeProject } from '../project-folder.js';

export const init = defineCommand({
  name: 'init',
  usage: '<folder>',
  description: 'Make a folder for a model of your own pictures: settings, commands, a place for pictures',
  positionals: {
    folder: {
      type: 'string',
      demandOption: true,
      describe: 'the new folder; files in it are never overwritten',
    },
  },
  options: {
    pictures: textOption('pictures', 'source of pictures as a run in the folder finds it; default: pictures'),
  },
  examples: [
    ['easel init cats', 'make cats/ with vqgan.json, seq2seq.json, README.md, .gitignore and pictures/'],
    ['easel init cats --pictures ../photos', 'the same for pictures that are elsewhere'],
  ],
  run: async ({ folder, pictures = 'pictures' }) => {
    for (const path of await makeProject(folder, { pictures })) process.stdout.write(`${path}\n`);
  },
});
