export { Checks, EQUAL, type GroupResult, type Tolerance } from './checks.js';
export { type FoundCase, findCases } from './find-cases.js';
export { GoldenArrays, golden, readJson } from './golden.js';
export { type CaseResult, runCase } from './run.js';
