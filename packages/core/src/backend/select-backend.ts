import * as tf from '@tensorflow/tfjs';
import { ConfigError, didYouMean, EaselError } from '../errors.js';
import { AUTO_ORDER, type BackendOptions, CANDIDATES, type Candidate } from './candidates.js';
import { checkTfjsVersion } from './tfjs-version.js';

/** The environment variable that names the backend if the caller names none. */
export const BACKEND_VARIABLE = 'EASEL_BACKEND';

/** One attempt to start a backend. */
export interface BackendTrial {
  readonly name: string;
  readonly ok: boolean;
  /** What runs, or why the backend does not run and what to do. */
  readonly reason: string;
}

/** Which backend runs, and why. */
export interface BackendChoice {
  readonly name: string;
  readonly reason: string;
  /** Everything that was tried, in order. The last one runs. */
  readonly tried: readonly BackendTrial[];
}

/** A backend as `easel doctor` lists it. */
export interface BackendDescription {
  readonly name: string;
  readonly description: string;
  /** Whether it computed a product just now. */
  readonly available: boolean;
  /** Details of what runs, or why the backend does not run and what to do. */
  readonly reason: string;
  readonly version?: string;
}

/** Names that `selectBackend` takes. */
export const backendNames: readonly string[] = ['auto', ...CANDIDATES.map(({ name }) => name)];

/**
 * Starts a tfjs backend and makes it the current one. The name is `requested`, else the
 * environment's EASEL_BACKEND, else 'auto': native, else wasm, else cpu; in a page a GPU comes first. A backend counts as
 * started when it has computed a small product.
 *
 * Throws ConfigError for an unknown name. Throws EaselError for another tfjs than 4.22, and with the remedy if a backend that was
 * named does not start; the backend from before is then current, or cpu if there was none.
 */
export async function selectBackend(
  requested?: string,
  options: BackendOptions = {},
): Promise<BackendChoice> {
  checkTfjsVersion(tf.version_core);
  const fromEnvironment = typeof process === 'undefined' ? undefined : process.env?.[BACKEND_VARIABLE];
  const asked = requested ?? (fromEnvironment || 'auto');
  const source = requested === undefined && fromEnvironment ? `by ${BACKEND_VARIABLE}` : 'by name';
  if (!backendNames.includes(asked)) {
    throw new ConfigError(
      `backend: expected one of ${backendNames.join(', ')}, got "${asked}" ${source}.${didYouMean(asked, backendNames)}`,
    );
  }
  const before = currentBackend();
  const tried: BackendTrial[] = [];
  for (const name of asked === 'auto' ? AUTO_ORDER : [asked]) {
    const trial = await start(find(name), { ...options, automatic: asked === 'auto' });
    tried.push(trial);
    if (trial.ok) {
      const why =
        asked === 'auto' ? `the first of ${AUTO_ORDER.join(', ')} that runs here` : `asked for ${source}`;
      return { name, reason: `${why}: ${trial.reason}`, tried };
    }
  }
  await restore(before);
  const failures = tried.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  const others = asked === 'auto' ? '' : ' Ask for "auto" to get the best one that runs here.';
  throw new EaselError(`backend "${asked}", asked for ${source}, does not run here. ${failures}.${others}`);
}

/**
 * Tries every backend and says which ones run here. Afterwards the backend from before is current,
 * or cpu if there was none.
 */
export async function describeBackends(): Promise<BackendDescription[]> {
  const before = currentBackend();
  const described: BackendDescription[] = [];
  for (const candidate of CANDIDATES) {
    const { name, description } = candidate;
    const { ok: available, reason, version } = await start(candidate, {});
    described.push({ name, description, available, reason, ...(version === undefined ? {} : { version }) });
  }
  await restore(before);
  return described;
}

function find(name: string): Candidate {
  return CANDIDATES.find((candidate) => candidate.name === name) as Candidate;
}

/**
 * The backend in use, or undefined if tfjs has not started one yet. tf.getBackend would start one.
 */
function currentBackend(): string | undefined {
  return (tf.engine() as { backendName?: string }).backendName;
}

/**
 * Goes back to the backend from before, or to cpu, which always runs. tfjs calls a backend current
 * even if it failed to start.
 */
async function restore(before: string | undefined): Promise<void> {
  await tf.setBackend(before ?? 'cpu');
}

/** Loads a backend, makes it current and computes 2·3 on it. Never throws. */
async function start(
  candidate: Candidate,
  options: Parameters<Candidate['load']>[0],
): Promise<BackendTrial & { readonly version?: string }> {
  const { name, description } = candidate;
  try {
    const { version, details } = await candidate.load(options);
    if (!(await tf.setBackend(name))) throw new Error('tfjs could not initialise it');
    const product = tf.tidy(() => tf.matMul(tf.tensor2d([[2]]), tf.tensor2d([[3]])));
    const [value] = await product.data();
    product.dispose();
    if (value !== 6) throw new Error(`it computed 2·3 = ${value}`);
    const reason = details === undefined ? description : `${description} (${details})`;
    return { name, ok: true, reason, ...(version === undefined ? {} : { version }) };
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return { name, ok: false, reason: cause.replace(/\.$/, '') };
  }
}
