import { defineConformanceSuite } from '../../testing/conformance/suite.js';

defineConformanceSuite('avx2');
