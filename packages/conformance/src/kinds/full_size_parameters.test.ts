import { conformanceSuite } from '../../testing/suite.js';

await conformanceSuite('full_size_parameters', { only: /(vqgan_f16_16384\.(flax|taming)|clip_.*)$/ });
