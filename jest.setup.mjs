// A test fails where something is printed by console.warn or console.error that it did not ask for. A test that
// expects a warning takes it with jest.spyOn(console, 'warn').mockImplementation(...).
import { format } from 'node:util';
import { afterAll, afterEach } from '@jest/globals';

/** tfjs prints this when its portable backend is first used in Node. It advertises another package. */
const ADVERTISEMENT = 'Hi, looks like you are running TensorFlow.js in Node.js.';

let unexpected = [];
for (const level of ['warn', 'error'])
  console[level] = (...values) => {
    const text = format(...values);
    if (!text.includes(ADVERTISEMENT)) unexpected.push(`console.${level}: ${text}\n${new Error().stack}`);
  };

function requireSilence() {
  const printed = unexpected;
  unexpected = [];
  if (printed.length > 0) throw new Error(`Unexpected output:\n${printed.join('\n')}`);
}

afterEach(requireSilence);
afterAll(requireSilence); // what was printed outside of tests, as files were loaded
