import { ConfigError } from '@easel/core';

/** The name of a model on the hub, as `hf:org/name@revision:subfolder` says it. */
export interface HubName {
  /** `org/name`, or `name` alone for the oldest repositories. */
  readonly repository: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
  /** The folder of the model in the repository; empty for the repository itself. */
  readonly subfolder: string;
}

/** What a hub name begins with. */
export const HUB_PREFIX = 'hf:';

const DEFAULT_REVISION = 'main';

/** Longest name that the hub gives. */
const LONGEST_REPOSITORY = 96;

const FORM = 'hf:ORG/NAME, with @REVISION and :SUBFOLDER behind it where they are needed';

/** Whether text is the name of a model on the hub, well formed or not. */
export function isHubName(text: unknown): text is string {
  return typeof text === 'string' && text.startsWith(HUB_PREFIX);
}

/** Reads a hub name. Throws ConfigError for one that no repository can have. */
export function parseHubName(text: string): HubName {
  const [, repository = '', revision = DEFAULT_REVISION, subfolder = ''] =
    /^hf:([^@:]*)(?:@([^:]*))?(?::(.*))?$/s.exec(text) ?? [];
  const fault = repositoryFault(repository) ?? revisionFault(revision) ?? subfolderFault(subfolder);
  if (fault !== undefined)
    throw new ConfigError(`Model ${JSON.stringify(text)}: ${fault}. Expected ${FORM}.`);
  return { repository, revision, subfolder: subfolder.replace(/\/$/, '') };
}

/** Writes a hub name as it is typed. */
export function formatHubName({ repository, revision, subfolder }: HubName): string {
  const at = revision === DEFAULT_REVISION ? '' : `@${revision}`;
  return `${HUB_PREFIX}${repository}${at}${subfolder === '' ? '' : `:${subfolder}`}`;
}

/** The rules of huggingface_hub's `validate_repo_id`. */
function repositoryFault(repository: string): string | undefined {
  const words = repository.split('/');
  if (words.length > 2) return 'a repository has one slash, between its owner and its name';
  if (repository.length > LONGEST_REPOSITORY || !words.every((word) => /^[\w.-]+$/.test(word)))
    return `a repository's name has up to ${LONGEST_REPOSITORY} letters, digits, ".", "_" and "-"`;
  if (words.some((word) => /^[.-]|[.-]$|--|\.\.|\.git$/.test(word)))
    return 'a repository\'s name has no "--" or "..", no "-" or "." at its ends, and no ".git"';
  return undefined;
}

/** Revisions become the names of files in the cache, so those that git refuses are refused here. */
function revisionFault(revision: string): string | undefined {
  const bad = /^[/.-]|\/$|\/\/|\.\.|\/\.|\.lock$|[\s\\:*?"<>|~^[\]\p{Cc}]/u.test(revision);
  return revision === '' || bad ? `"${revision}" is no branch, tag or commit` : undefined;
}

function subfolderFault(subfolder: string): string | undefined {
  if (subfolder === '') return undefined;
  return subfolder.replace(/\/$/, '').split('/').every(isPlainWord)
    ? undefined
    : `"${subfolder}" is no folder of a repository`;
}

function isPlainWord(word: string): boolean {
  return word !== '' && word !== '.' && word !== '..' && !/[\\:\p{Cc}]/u.test(word);
}
