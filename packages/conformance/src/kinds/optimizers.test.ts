import { conformanceSuite } from '../../testing/suite.js';

await conformanceSuite('optimizers', {
  portable: / (adam|adafactor|optax_adafactor_factored|shampoo_early|quantization)$/,
});
