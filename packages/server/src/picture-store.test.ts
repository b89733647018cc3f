import { expect, test } from '@jest/globals';
import { PictureStore } from './picture-store.js';

test('the oldest go when there are too many bytes, and all go with time', () => {
  let now = 0;
  const store = new PictureStore(10, 60, () => now);
  const names = [4, 5, 3].map((bytes) => store.put(new Uint8Array(bytes)));
  expect(names.map((name) => store.get(name)?.length)).toEqual([undefined, 5, 3]);
  now = 59_999;
  const late = store.put(new Uint8Array(2));
  expect(store.get(names[1] as string)?.length).toBe(5);
  now = 60_000;
  expect([...names, late].map((name) => store.get(name)?.length)).toEqual([
    undefined,
    undefined,
    undefined,
    2,
  ]);
  expect(store.get('none')).toBeUndefined();
});

test('one picture larger than the room is kept until the next', () => {
  const store = new PictureStore(10, 60, () => 0);
  const large = store.put(new Uint8Array(11));
  expect(store.get(large)?.length).toBe(11);
  store.put(new Uint8Array(1));
  expect(store.get(large)).toBeUndefined();
});
