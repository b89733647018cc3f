import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DataError } from '@easel/core';
import { makeFolder, writeFileAtomic } from '@easel/core/internals/node';
import { readConfig } from './config-option.js';

/** Where the configs of a project come from: those of the model that ships. */
const VQGAN_CONFIG = 'configs/train/emoji-vqgan.json';
const SEQ2SEQ_CONFIG = 'configs/train/emoji-seq2seq.json';

/** What its runs write, which belongs into no repository. */
const IGNORED = ['runs/', 'models/', 'out/', 'node_modules/'];

/** The commands of a project from pictures to a drawing, each with what it does. */
const STEPS: readonly (readonly [command: string, does: string])[] = [
  ['npx easel train-vqgan vqgan.json --out runs/vqgan', 'learns to turn pictures into tokens and back'],
  [
    'npx easel encode PICTURES --vqgan runs/vqgan/model --out runs/encoded',
    'turns all pictures into tokens, once',
  ],
  [
    'npx easel tokenizer train PICTURES --out runs/tokenizer --vocab-size 2048 --lower-case --prefix-space',
    'learns the vocabulary of the captions',
  ],
  ['npx easel train seq2seq.json --out runs/seq2seq', 'learns to turn captions into tokens'],
  ['npx easel generate "…" --model runs/seq2seq', 'draws; the newest model of the run is taken'],
  ['npx easel report runs/seq2seq', 'one page with curves, pictures and settings'],
];

function readme(pictures: string): string {
  const steps = STEPS.map(
    ([command, does]) => [command.replace('PICTURES', quoted(pictures)), does] as const,
  );
  const width = Math.max(...steps.map(([command]) => command.length));
  return `# A model of your own pictures

Put pictures into \`${pictures}\`, each with its caption in a text file beside it (\`cat.jpg\`, \`cat.txt\`), or list them in
\`${pictures}/captions.jsonl\`, a line a picture: \`{"file": "cat.jpg", "caption": "a cat"}\`.

One command does everything, and sizes the model by the minutes:

\`\`\`sh
npx easel learn ${quoted(pictures)} --out models/first --minutes 20
npx easel generate "…" --model models/first
\`\`\`

The same in single steps, with settings that you can change in \`vqgan.json\` and \`seq2seq.json\`:

\`\`\`sh
${steps.map(([command, does]) => `${command.padEnd(width)}   # ${does}`).join('\n')}
\`\`\`

Run them in this folder, whose files the settings name. A training that was stopped goes on with \`--resume\`. \`--dry-run\` says
what a run will take before it begins. The settings are those with which the model that ships with Easel was made: 5,500
steps of 8 pictures and 3,000 steps of 32 captions, for 1,852 pictures. \`npx easel COMMAND --help\` has the options.
`;
}

/** A path as a shell reads it. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** Options of `makeProject`. */
export interface ProjectOptions {
  /** The source of pictures that its settings name, as a run in the folder finds it. */
  readonly pictures: string;
}

/**
 * Makes a folder for a model of one's own pictures: vqgan.json and seq2seq.json, the settings of its
 * two trainings, README.md with the commands, .gitignore, and `pictures` if that is a path in the
 * folder and not there. Returns the paths of the files. Throws DataError, and writes nothing, if one of
 * them is there already.
 */
export async function makeProject(folder: string, { pictures }: ProjectOptions): Promise<string[]> {
  const config = async (file: string, assignments: readonly string[]) =>
    `${JSON.stringify(await readConfig(file, assignments), null, 2)}\n`;
  const files: Record<string, string> = {
    'README.md': readme(pictures),
    'vqgan.json': await config(VQGAN_CONFIG, [`data.train=${JSON.stringify(pictures)}`]),
    'seq2seq.json': await config(SEQ2SEQ_CONFIG, [
      'data.train="runs/encoded"',
      'tokenizer="runs/tokenizer"',
      'vqgan="runs/vqgan/model"',
    ]),
    '.gitignore': `${IGNORED.join('\n')}\n`,
  };
  const there = Object.keys(files).filter((name) => existsSync(join(folder, name)));
  if (there.length > 0)
    throw new DataError(
      `${folder}: ${there.join(', ')} ${there.length === 1 ? 'is' : 'are'} there already, and nothing is overwritten. Give another folder.`,
    );
  await makeFolder(folder);
  if (/^\w[\w-]*$/.test(pictures)) await makeFolder(join(folder, pictures));
  for (const [name, text] of Object.entries(files)) await writeFileAtomic(join(folder, name), text);
  return Object.keys(files).map((name) => join(folder, name));
}
