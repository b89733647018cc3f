import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { EventFile, encodeEvent, framed, type TrainingEventRecord } from './event-file.js';

/*
 * Bytes by TensorBoard 2.21.0 (PyPI, with protobuf 7.36.2), records of
 *
 *   from tensorboard.compat.proto.event_pb2 import Event, SessionLog
 *   from tensorboard.compat.proto.summary_pb2 import Summary, HistogramProto
 *   from tensorboard.summary.writer.record_writer import RecordWriter
 *   RecordWriter(file).write(Event(…the fields of each case…).SerializeToString())
 */
const cases: readonly (readonly [string, TrainingEventRecord, string])[] = [
  [
    'the version that a file begins with',
    { seconds: 1700000000.5, fileVersion: 'brain.Event:2' },
    '1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a322b353110',
  ],
  [
    'the start of a sitting',
    { seconds: 1700000000.5, step: 300, sessionStart: true },
    '100000000000000095fbfe180900002040fc54d94110ac023a020801b94512a3',
  ],
  [
    'two scalars',
    {
      seconds: 1700000001.25,
      step: 7,
      values: [
        { tag: 'train/loss', scalar: 2.5 },
        { tag: 'lr', scalar: 1e-3 },
      ],
    },
    '2b00000000000000861bc34b0900005040fc54d94110072a1e0a110a0a747261696e2f6c6f737315000020400a090a026c72156f12833ad244b7b6',
  ],
  [
    'a picture, at a step that needs more than 32 bits',
    {
      seconds: 1700000002,
      step: 2 ** 40 + 5,
      values: [{ tag: 'grid', png: Uint8Array.of(137, 80, 78, 71), width: 300, height: 2 }],
    },
    '290000000000000037ff5f000900008040fc54d941108580808080202a170a150a0467726964220d080210ac021803220489504e47e39e0bc4',
  ],
  [
    'a histogram',
    {
      seconds: 1700000003,
      step: 1,
      values: [
        {
          tag: 'h',
          histogram: { min: -1, max: 2, sum: 3, sumOfSquares: 6.5, limits: [0.5, 2], counts: [1, 3] },
        },
      ],
    },
    '6500000000000000ebd05a69090000c040fc54d94110012a580a560a01682a5109000000000000f0bf110000000000000040190000000000001040210000000000000840290000000000001a403210000000000000e03f00000000000000403a10000000000000f03f0000000000000840d92591f6',
  ],
];

test.each(cases)('the bytes of TensorBoard: %s', (_, record, bytes) => {
  expect(Buffer.from(framed(encodeEvent(record))).toString('hex')).toBe(bytes);
});

test('a file: version, start of the sitting, then what is written, record by record', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'easel-events-'));
  try {
    const file = await EventFile.create(join(folder, 'tensorboard'), 12);
    await file.write(13, [{ tag: 'train/loss', scalar: 0.5 }]);
    await file.write(13, []); // nothing to say, no record
    const bytes = readFileSync(file.path);
    const lengths: number[] = [];
    for (let at = 0; at < bytes.length; at += (lengths.at(-1) as number) + 16)
      lengths.push(Number(bytes.readBigUInt64LE(at)));
    // wall time 9 + version 15; 9 + step 2 + session log 4; 9 + step 2 + summary (2 + 2 + tag 12 +
    // float 5)
    expect(lengths).toEqual([24, 15, 32]);
    expect(file.path).toMatch(/events\.out\.tfevents\.\d+\./);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a folder that cannot be made', async () => {
  await expect(EventFile.create('/dev/null/x', 0)).rejects.toThrow(/Event files .*can't be made/);
});
