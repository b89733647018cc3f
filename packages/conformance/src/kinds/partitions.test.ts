import { conformanceSuite } from '../../testing/suite.js';

await conformanceSuite('partitions');
