// The contract between Easel's operations and a backend's fused kernels, for who writes a backend.
export { KERNELS } from './kernels.js';
export { readmeTable } from './readme-table.js';
export type { AttributeSpecification, KernelSpecification, TensorSpecification } from './specification.js';
export type {
  ContractProblems,
  KernelAttributes,
  KernelInputs,
  KernelName,
  KernelOutputs,
  MissingKernels,
  Signature,
} from './types.js';
