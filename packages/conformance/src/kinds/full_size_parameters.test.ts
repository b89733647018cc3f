import { conformanceSuite } from '../../testing/suite.js';

await conformanceSuite('full_size_parameters');
