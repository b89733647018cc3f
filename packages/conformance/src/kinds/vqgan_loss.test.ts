import { conformanceSuite } from '../../testing/suite.js';

await conformanceSuite('vqgan_loss', { portable: /(discriminator_actnorm_3|gan_losses)$/ });
