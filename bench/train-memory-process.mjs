// One of the processes of train-memory.mjs: `predict CONFIG` or `run CONFIG OUT`. It prints bytes.
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import 'tfjs-backend-native';
import { parseSeq2SeqConfig, planSeq2Seq, trainSeq2Seq } from '@easel/train';

const [what, file, out] = process.argv.slice(2);
if (!(await tf.setBackend('native')))
  throw new Error('the native backend did not start: run `npx easel doctor`');
const config = parseSeq2SeqConfig(JSON.parse(readFileSync(file, 'utf8')), file);
if (what === 'predict') console.log((await planSeq2Seq(config, { time: false })).memory.total);
else {
  await trainSeq2Seq(config, { out });
  console.log(process.resourceUsage().maxRSS * 1024);
}
