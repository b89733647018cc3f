import { conformanceSuite } from '../../testing/suite.js';

await conformanceSuite('generation', {
  portable:
    /(sample_(08|18|key1|no_mask|forced_bos|eos_is_pad)|greedy_(forced_both|min_5)|beam_2_late_0\.0|beam_3_one_row|run\.1)$/,
});
