/**
 * The environment's TFJS_NATIVE_name, or EASEL_name, its older name, where that is not set. C++
 * reads CPU and THREADS the same way.
 */
export function setting(name: string): string | undefined {
  return process.env[`TFJS_NATIVE_${name}`] ?? process.env[`EASEL_${name}`];
}
