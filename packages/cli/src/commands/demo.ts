import { EaselError } from '@easel/core';
import { defineCommand } from '../command.js';
import { interruptible } from '../interrupt.js';
import { locateModel } from '../named-model.js';
import { quietOption, textOption } from '../options.js';
import { UsageError } from '../usage-error.js';

export const demo = defineCommand({
  name: 'demo',
  description:
    "Write the page that draws as a folder of files, with a model that draws in the visitor's browser",
  positionals: {},
  options: {
    static: textOption('static', 'folder to write; one that such a page is in is replaced'),
    model: textOption(
      'model',
      'model folder, or a package that is a model; default: the variable EASEL_MODEL, else @easel/model-emoji',
    ),
    quiet: quietOption,
  },
  examples: [
    ['easel demo --static out/page', 'a folder that any web server may serve'],
    ['easel serve', 'the same page, with a server that draws'],
  ],
  run: async ({ static: to, model: asked, quiet }) => {
    if (to === undefined)
      throw new UsageError('easel demo needs --static DIR: the folder to write. See easel demo --help.');
    const located = (signal: AbortSignal) => locateModel(asked, { signal, quiet });
    const { folder: model, name } = await interruptible(located);
    const { writeStaticSite } = await importDemo();
    const bytes = await writeStaticSite({ model, name, to });
    if (!quiet) {
      process.stderr.write(
        `${(bytes / 1e6).toFixed(1)} MB. Put the folder on a web server: browsers open it from https, or from this machine (npx serve, python3 -m http.server).\n`,
      );
    }
    process.stdout.write(`${to}\n`);
  },
});

/** The package with the page is optional: the other commands do without. */
async function importDemo(): Promise<typeof import('@easel/demo')> {
  try {
    return await import('@easel/demo');
  } catch (error) {
    throw new EaselError(
      'The page is in the package @easel/demo, which is not installed. Install it: npm install @easel/demo.',
      {
        cause: error,
      },
    );
  }
}
