const inNode = typeof process !== 'undefined' && process.versions?.node !== undefined;

/** Turns of the event loop before the thread begins to sleep, so that short waits stay short. */
const TURNS_AWAKE = 20;

/** Milliseconds of one sleep. */
const SLEEP_MS = 0.5;

let waits = 0;
let turning = false;

/**
 * Waits for a promise of WebGPU. While one is awaited in Node, Dawn's binding turns the event loop
 * round and round, which takes a core. Here the thread sleeps for half a millisecond a turn, and
 * leaves the core to whoever computes; other tasks of the program go on between the turns.
 */
export async function idleWait<T>(promise: Promise<T>): Promise<T> {
  if (!inNode) return promise;
  waits += 1;
  if (!turning) {
    turning = true;
    const cell = new Int32Array(new SharedArrayBuffer(4));
    let turns = 0;
    const turn = () => {
      if (waits === 0) {
        turning = false;
        return;
      }
      turns += 1;
      if (turns > TURNS_AWAKE) Atomics.wait(cell, 0, 0, SLEEP_MS);
      setImmediate(turn);
    };
    setImmediate(turn);
  }
  try {
    return await promise;
  } finally {
    waits -= 1;
  }
}
