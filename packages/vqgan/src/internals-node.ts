// Only the packages of this repository use this entry. Its exports may change in any release.

export { loadDiscriminator } from './adversarial/load-discriminator.js';
export { lpipsReading, openTogether } from './adversarial/open-lpips.js';
