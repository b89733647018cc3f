import { describe, expect, test } from '@jest/globals';
import { withAssignments } from './assignments.js';

describe('withAssignments', () => {
  test('sets values below new and old sections, as JSON or as text, and leaves the given config alone', () => {
    const config = { steps: 1, inner: { every: 2 } };
    expect(
      withAssignments(config, ['inner.every=5', 'data.train=a b=c', 'limit=null', 'list=[1,2]', 'on=false']),
    ).toEqual({
      steps: 1,
      inner: { every: 5 },
      data: { train: 'a b=c' },
      limit: null,
      list: [1, 2],
      on: false,
    });
    expect(config).toEqual({ steps: 1, inner: { every: 2 } });
  });

  test.each([
    ['steps', /expected name=value/],
    ['=3', /expected name=value/],
    ['steps.x=3', /'steps' is no object/],
  ])('refused: %s', (assignment, message) => {
    expect(() => withAssignments({ steps: 1 }, [assignment])).toThrow(message);
  });
});
