// A row a kernel. Kernels that other families time are left out.
import { kinds } from './tfjs.mjs';

export const cases = Object.keys(kinds).map((kernel) => ({ name: `kernel_${kernel}`, kind: kernel }));
