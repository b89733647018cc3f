import { conformanceSuite } from '../../testing/suite.js';

await conformanceSuite('clip', { portable: /quick_gelu/ });
