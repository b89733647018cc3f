import { defineConformanceSuite } from './suite.js';

defineConformanceSuite('serial');
