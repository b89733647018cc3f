import type { TensorInfo } from '@tensorflow/tfjs';
import type { FusedKernels } from 'tfjs-backend-native';
import type { ContractProblems, MissingKernels } from './types.js';

// Makes the compiler check the kernels of tfjs-backend-native against the contract, here because
// that package knows nothing of Easel. Each object has a property for every kernel that does not
// fit.
const _problems: ContractProblems<FusedKernels, TensorInfo> = {};
const _missing: MissingKernels<FusedKernels> = {};
