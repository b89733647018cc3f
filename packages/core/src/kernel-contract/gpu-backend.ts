import type { TensorInfo } from '@tensorflow/tfjs';
import type { GpuFusedKernels } from 'tfjs-backend-gpu';
import type { ContractProblems } from './types.js';

// Makes the compiler check the kernels of tfjs-backend-gpu against the contract, as native-backend.ts
// does for the other one. It need not have all of them.
const _problems: ContractProblems<GpuFusedKernels, TensorInfo> = {};
