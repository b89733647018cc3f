/**
 * The file system's code of an error (ENOENT, ENOSPC …), undefined for any other error. By shape and not by class: an error may come from
 * another realm.
 */
export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
