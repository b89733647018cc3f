import { defineConformanceSuite } from './suite.js';

defineConformanceSuite('neon');
