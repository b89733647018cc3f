/**
 * A command line that cannot be understood: unknown command or option, a value out of its range.
 * The program ends with code 2.
 */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
