// Trains on every rank what a JSON file lists, one training after the other, and prints on rank 0 how
// each ended on each rank. Run under mpirun by follow-seq2seq.test.ts.
import { readFileSync } from 'node:fs';
import { selectBackend } from '@easel/core';
import { allGatherJson, openCommunicator, RankError } from '@easel/mpi';
import { parseSeq2SeqConfig, trainSeq2Seq } from '../dist/index.js';
import { Ranks } from '../dist/internals.js';

await selectBackend();
const communicator = await openCommunicator();
const { rank } = communicator;
const ends = [];
for (const { out, resume, settings, others, stopAt, failing } of JSON.parse(
  readFileSync(process.argv[2], 'utf8'),
)) {
  const stop = new AbortController();
  let sums = 0;
  /** On the failing rank, an exchange of gradients breaks off. */
  const breaking = new Proxy(communicator, {
    get: (ranks, name) =>
      name === 'allReduce' && failing?.rank === rank
        ? (values, options) =>
            Array.isArray(values) && ++sums === failing.sum
              ? Promise.reject(new Error(failing.message))
              : ranks.allReduce(values, options)
        : typeof ranks[name] === 'function'
          ? ranks[name].bind(ranks)
          : ranks[name],
  });
  let end;
  try {
    const config = parseSeq2SeqConfig({ ...settings, ...(rank > 0 && others) });
    const onEvent = (event) => {
      if (event.kind === 'step' && event.step === stopAt) stop.abort();
    };
    const { complete, step } = await trainSeq2Seq(config, {
      out,
      resume,
      onEvent,
      signal: stop.signal,
      communicator: breaking,
    });
    end = { complete, step };
  } catch (error) {
    const told = await new Ranks(communicator).tell(error);
    end = { error: (rank === 0 || error instanceof RankError ? error : told).message };
  }
  ends.push(await allGatherJson(communicator, end));
}
if (rank === 0) process.stdout.write(JSON.stringify(ends));
await communicator.close();
