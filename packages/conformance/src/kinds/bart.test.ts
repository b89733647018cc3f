import { conformanceSuite } from '../../testing/suite.js';

await conformanceSuite('bart', {
  portable: /(normformer_scan|subln|act_smelu|sinkhorn3|bias|dropout_noscan|v1_plain)$/,
});
