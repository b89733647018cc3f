/** Returns tfjs-backend-native if it is installed and its addon has loaded, else undefined. */
export async function nativeBackend(): Promise<typeof import('tfjs-backend-native') | undefined> {
  const native = await import('tfjs-backend-native').catch(() => undefined);
  return native?.nativeStatus().available ? native : undefined;
}
