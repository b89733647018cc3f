// node reference/torch-view-differences.mjs FOLDER: how many tensors of the files that
// make-torch-views.py --random wrote have other shapes or numbers by Easel; the first of them. Exit
// code 1 if there are any.
import { readFileSync } from 'node:fs';
import { openCheckpoint } from '@easel/core/node';

const [folder] = process.argv.slice(2);
for (const name of ['random', 'random_legacy']) {
  const { tensors } = JSON.parse(readFileSync(`${folder}/${name}.json`, 'utf8'));
  const file = await openCheckpoint(`${folder}/${name}.pt`);
  const count = { tensors: 0, numbers: 0, others: 0 };
  for (const [tensor, { dtype, shape, bits }] of Object.entries(tensors)) {
    const expected = new Float32Array(Int32Array.from(bits).buffer);
    const values = await file.read(tensor);
    count.tensors++;
    count.numbers += values.length;
    const same =
      `${file.entries.get(tensor)?.shape}` === `${shape}` &&
      values.length === expected.length &&
      values.every((value, i) => Object.is(value, expected[i]));
    if (same) continue;
    if (count.others++ < 10) console.log(JSON.stringify({ tensor, dtype, shape }));
  }
  await file.close();
  console.log(JSON.stringify({ name, ...count }));
  if (count.others > 0) process.exitCode = 1;
}
