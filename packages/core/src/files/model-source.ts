import { ConfigError } from '../errors.js';
import { ModelFiles } from './model-files.js';
import { urlFiles } from './url-files.js';

/**
 * Where a model is opened from: its files, or the address of their folder. In a page an address may
 * be relative to the page. The `/node` entries also take the path of a folder on disk.
 */
export type ModelSource = ModelFiles | string | URL;

/** The files of a source. Throws ConfigError for text that is not an address. */
export function modelFiles(source: ModelSource): ModelFiles {
  if (source instanceof ModelFiles) return source;
  const page = (globalThis as { location?: { readonly href: string } }).location?.href;
  const address = URL.canParse(String(source), page) ? new URL(String(source), page) : undefined;
  // "C:\models" would be read as an address of the scheme "c:".
  if (address !== undefined && address.protocol.length > 2) return urlFiles(address);
  throw new ConfigError(
    `${source}: expected the address of a model's folder (https://…). A folder on disk is opened by the same function of the package's /node entry.`,
  );
}
