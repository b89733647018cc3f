import { nativeStatus } from 'tfjs-backend-native';

/**
 * The backends that these tests run on: tfjs's own 'cpu', and 'native' where its addon is built.
 */
export const TEST_BACKENDS: readonly string[] = nativeStatus().available ? ['cpu', 'native'] : ['cpu'];

/** The fastest of them, for tests whose subject is not the backend. */
export const FAST_BACKEND: string = TEST_BACKENDS.at(-1) as string;
