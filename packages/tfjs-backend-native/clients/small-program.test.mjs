import { expect, test } from 'vitest';
import { smallProgram } from './small-program.mjs';

test('a conv net and a gradient', async () => {
  const result = await smallProgram();
  console.log(JSON.stringify(result));
  expect(result.backend).toBe('native');
});
