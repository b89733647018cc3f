import { conformanceSuite } from '../../testing/suite.js';

// tfjs's own convolutions take minutes over the larger models.
await conformanceSuite('vqgan', { portable: /two_levels (io|activations)$/ });
