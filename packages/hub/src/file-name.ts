import { HubError } from './hub-error.js';

/** Names that Windows gives to devices, in any folder and with any ending. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * Throws HubError for the name of a repository's file that must not become a path here: one that
 * leaves its folder (`..`, an absolute path), and one that would on Windows, for everyone, since a
 * cache may move: a backslash, a drive, a share. `platform` also refuses what Windows alone can't
 * hold: devices, and dots or spaces at the end of a name.
 */
export function checkFileName(
  name: string,
  repository: string,
  platform: NodeJS.Platform = process.platform,
): void {
  const words = name.split('/');
  const fault = words.some((word) => word === '' || word === '.' || word === '..')
    ? 'it leaves the folder of the model'
    : /[\\:\p{Cc}]/u.test(name)
      ? 'a backslash, a colon or a control character in it would be read as a path elsewhere on Windows'
      : platform === 'win32' && words.some((word) => DEVICE.test(word) || /[. ]$|[<>"|?*]/.test(word))
        ? 'Windows has no such name'
        : undefined;
  if (fault !== undefined)
    throw new HubError(
      `${repository}: its file ${JSON.stringify(name)} is not fetched: ${fault}. Ask the repository's owner to rename it.`,
    );
}
