import { type ServerLimits, startServer } from '@easel/server';
import { backendOption } from '../backend-option.js';
import { defineCommand } from '../command.js';
import { interruptible } from '../interrupt.js';
import { locateModel } from '../named-model.js';
import { integerOption, quietOption, textOption, yesOption } from '../options.js';

/** The variable with the key, which a command line shows to every user of a machine. */
const KEY_VARIABLE = 'EASEL_KEY';

/** The bounds that the command line gives. */
function limitsOf(args: {
  readonly 'queue-length': number | undefined;
  readonly 'client-requests': number | undefined;
  readonly 'max-images': number | undefined;
  readonly 'prompt-length': number | undefined;
}): Partial<ServerLimits> {
  const limits = {
    requests: args['queue-length'],
    clientRequests: args['client-requests'],
    images: args['max-images'],
    promptLength: args['prompt-length'],
  };
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}

export const serve = defineCommand({
  name: 'serve',
  description: "Serve a model over HTTP: OpenAI's images API, and events while a picture is drawn",
  positionals: {},
  options: {
    model: textOption(
      'model',
      'model folder, a package that is a model, or hf:ORG/NAME; default: the variable EASEL_MODEL, else @easel/model-emoji',
    ),
    clip: textOption('clip', 'CLIP folder; pictures then have scores of how well they fit their prompt'),
    port: integerOption('port', 'port; 0: a free one', { min: 0, max: 65_535, default: 7860 }),
    host: textOption('host', 'address to listen at; 0.0.0.0: everyone who reaches this machine', {
      default: '127.0.0.1',
    }),
    key: textOption('key', `key that requests must carry; default: the variable ${KEY_VARIABLE}, else none`),
    cors: textOption('cors', 'origin whose pages may call the API, or *; default: none'),
    check: textOption('check', 'module that checks prompts or pictures: checkPrompt, checkPicture'),
    slots: integerOption('slots', 'pictures drawn at a time; default: 16, or as many as fit into memory', {
      min: 1,
    }),
    'queue-length': integerOption('queue-length', 'requests that are drawn or wait, at most; default: 64', {
      min: 1,
    }),
    'client-requests': integerOption('client-requests', 'requests of one client at a time; default: 8', {
      min: 1,
    }),
    'max-images': integerOption('max-images', 'pictures of a request, at most; default: 10', {
      min: 1,
      max: 1000,
    }),
    'prompt-length': integerOption('prompt-length', 'characters of a prompt, at most; default: 1000', {
      min: 1,
      max: 10_000,
    }),
    backend: backendOption,
    yes: yesOption,
    quiet: quietOption,
  },
  examples: [
    ['easel serve', 'prints http://127.0.0.1:7860/'],
    [`${KEY_VARIABLE}=secret easel serve --host 0.0.0.0`, 'serves others, who send the key'],
  ],
  run: (args) =>
    interruptible(
      async (signal) => {
        const { host = '127.0.0.1', port, backend, slots, clip, cors, check, quiet } = args;
        const key = args.key ?? (process.env[KEY_VARIABLE] || undefined);
        const { folder: model, name } = await locateModel(args.model, { signal, yes: args.yes, quiet });
        const server = await startServer({
          ...{ model, name, clip, port, host, backend, slots, key, cors, check },
          limits: limitsOf(args),
          ...(quiet ? { log: tellErrors } : {}),
        });
        if (!quiet) {
          const { backend: chosen } = server.model;
          process.stderr.write(`Backend: ${chosen.name} (${chosen.reason}).\n`);
        }
        if (!server.isLocal && key === undefined)
          process.stderr.write(
            `Warning: everyone who reaches ${host} can draw here. ${KEY_VARIABLE} or --key asks for a key.\n`,
          );
        process.stdout.write(`${server.url}\n`);
        await aborted(signal);
        await server.drain();
      },
      { message: 'Finishing what was accepted; once more to stop at once.', exitCode: 0 },
    ),
});

/** With --quiet: only errors of the log. */
function tellErrors(line: string): void {
  if ((JSON.parse(line) as { level?: string }).level === 'error') process.stderr.write(`${line}\n`);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
