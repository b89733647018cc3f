import { conformanceSuite } from '../../testing/suite.js';

await conformanceSuite('train', { only: /^train\/(?!shampoo$|shampoo_scanned$)/ });
