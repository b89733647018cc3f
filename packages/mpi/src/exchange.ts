import type { Communicator } from './communicator.js';

/** Gives every rank what each rank holds, as JSON, in the order of the ranks. */
export async function allGatherJson<T>(communicator: Communicator, value: T): Promise<readonly T[]> {
  if (communicator.size === 1) return [value];
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  const parts = await communicator.gather(bytes);
  const all = await broadcastBytes(
    communicator,
    new TextEncoder().encode(`[${parts.map((part) => new TextDecoder().decode(part)).join(',')}]`),
  );
  return JSON.parse(new TextDecoder().decode(all)) as T[];
}

/** Gives every rank the bytes that rank 0 holds. The other ranks' own bytes don't matter. */
export async function broadcastBytes(communicator: Communicator, bytes: Uint8Array): Promise<Uint8Array> {
  if (communicator.size === 1) return bytes;
  const length = Float64Array.of(bytes.length);
  await communicator.broadcast(length);
  const all = communicator.rank === 0 ? bytes : new Uint8Array(length[0] as number);
  await communicator.broadcast(all);
  return all;
}
