import { defineConformanceSuite } from './suite.js';

defineConformanceSuite('avx512');
