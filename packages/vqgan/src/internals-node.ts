// For the packages of this repository alone: what is here may change in any release.

export { loadDiscriminator } from './adversarial/load-discriminator.js';
export { lpipsReading, openTogether } from './adversarial/open-lpips.js';
