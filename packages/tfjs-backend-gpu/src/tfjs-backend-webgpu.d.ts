// tfjs's own declarations hide the fields that base-backend.ts uses, and states.
declare module '@tensorflow/tfjs-backend-webgpu' {
  export const WebGPUBackend: unknown;
}
