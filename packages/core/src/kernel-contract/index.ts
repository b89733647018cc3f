// The contract between Easel's operations and a backend's fused kernels, for who writes a backend:
// the table, its types, and the suite that a backend runs.
export { KERNELS } from './kernels.js';
export { readmeTable } from './readme-table.js';
export type { AttributeSpecification, KernelSpecification, TensorSpecification } from './specification.js';
export {
  checkBackend,
  checkGradients,
  checkRefusals,
  checkValues,
  kernelsOf,
  lackingKernels,
} from './suite.js';
export type {
  ContractProblems,
  KernelAttributes,
  KernelInputs,
  KernelName,
  KernelOutputs,
  MissingKernels,
  Signature,
} from './types.js';
