// The contract between Easel's operations and a backend's fused kernels, for whoever writes a
// backend: the table, its types, and the suite that a backend runs.
export { KERNELS } from './kernel-contract/kernels.js';
export { readmeTable } from './kernel-contract/readme-table.js';
export type {
  AttributeSpecification,
  KernelSpecification,
  TensorSpecification,
} from './kernel-contract/specification.js';
export type {
  ContractProblems,
  KernelAttributes,
  KernelInputs,
  KernelName,
  KernelOutputs,
  MissingKernels,
  Signature,
} from './kernel-contract/types.js';
export {
  checkBackend,
  checkGradients,
  checkRefusals,
  checkValues,
  kernelsOf,
  lackingKernels,
} from './kernel-suite/suite.js';
