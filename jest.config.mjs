// ESM throughout: sources are mapped, so tests need no build. Run with --experimental-vm-modules (npm test does).
import { writeTfjsModule } from './jest.tfjs.mjs';
import { LOOP_GLOBALS } from './jest.transform.mjs';

export default {
  testEnvironment: 'node',
  setupFilesAfterEnv: ['<rootDir>/jest.setup.mjs'],
  roots: ['<rootDir>/packages', '<rootDir>/data', '<rootDir>/scripts', '<rootDir>/examples'],
  testMatch: ['**/src/**/*.test.ts', '**/data/**/*.test.mjs', '<rootDir>/{scripts,examples}/**/*.test.mjs'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^@tensorflow/tfjs$': writeTfjsModule(),
    '^@easel/conformance/(.*)$': '<rootDir>/packages/conformance/src/$1.ts',
    '^@easel/core/kernel-contract$': '<rootDir>/packages/core/src/kernel-contract.ts',
    '^@easel/([^/]+)/(config|internals|node)$': '<rootDir>/packages/$1/src/$2.ts',
    '^@easel/([^/]+)/internals/node$': '<rootDir>/packages/$1/src/internals-node.ts',
    '^@easel/([^/]+)$': '<rootDir>/packages/$1/src/index.ts',
    '^safetensors-ts/internals/node$': '<rootDir>/packages/safetensors-ts/src/internals-node.ts',
    '^safetensors-ts/node$': '<rootDir>/packages/safetensors-ts/src/node.ts',
    '^safetensors-ts$': '<rootDir>/packages/safetensors-ts/src/index.ts',
    '^unidecode-ts$': '<rootDir>/packages/unidecode-ts/src/index.ts',
    '^tfjs-backend-gpu$': '<rootDir>/packages/tfjs-backend-gpu/src/index.ts',
    '^tfjs-backend-native$': '<rootDir>/packages/tfjs-backend-native/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  sandboxInjectedGlobals: [...LOOP_GLOBALS, 'Symbol', 'Array', 'Object', 'Map'],
  transform: {
    '^.+\\.ts$': [
      '<rootDir>/jest.transform.mjs',
      {
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  maxWorkers: 2,
  // Modules of suites that are over stay in a worker's memory, and late suites then take up to five times as long:
  // tfjs's own suite 128 s in place of 20. A new worker costs about a second.
  workerIdleMemoryLimit: '800MB',
  // Long enough that no test fails because the machine is busy with something else.
  testTimeout: 300_000,
  coverageProvider: 'v8',
  collectCoverageFrom: ['packages/*/src/**/*.ts', '!**/*.test.ts'],
};
