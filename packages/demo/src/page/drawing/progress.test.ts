import { expect, test } from '@jest/globals';
import type { DrawingEvent, DrawingRequest } from './drawer.js';
import { after, begun, finishedOf, type Progress, secondsLeft } from './progress.js';
import { announcement, duration, hintTexts, statusText } from './status-text.js';

const settings = { topK: 64, topP: 1, temperature: 0.5, conditionScale: 1.5 };
const request: DrawingRequest = { prompt: 'a dog', images: 3, seed: 7, settings };
const picture = new Blob(['x']);
const play = (events: readonly [number, DrawingEvent][]): Progress =>
  events.reduce((progress, [at, event]) => after(progress, event, at), begun('id', 'tiny', request, 0));

test('a drawing waits, is drawn, and has its pictures', () => {
  const waiting = play([[10, { type: 'queued', place: 2, seconds: 12 }]]);
  expect(statusText(waiting, 10)).toBe('Number 2 in the queue. It begins in about 15 seconds.');
  const drawing = play([
    [10, { type: 'queued', place: 2, seconds: null }],
    [1000, { type: 'tokens', done: 10, total: 100 }],
    [1500, { type: 'preview', index: 1, share: 0.25, picture }],
    [2000, { type: 'tokens', done: 30, total: 100 }],
  ]);
  // 20 codes took a second, so 70 take 3.5.
  expect(secondsLeft(drawing, 2000)).toBeCloseTo(3.5);
  expect(statusText(drawing, 2000)).toBe('Drawing, 30 %. About 4 seconds left.');
  expect(announcement(drawing)).toBe('Drawing 3 pictures.');
  expect(drawing.canvases.map(({ share }) => share)).toEqual([0, 0.25, 0]);
  const one = after(drawing, { type: 'picture', index: 1, picture, score: 27 }, 3000);
  expect(finishedOf(one)).toEqual([{ index: 1, file: picture, score: 27 }]);
  expect(announcement(one)).toBe('1 of 3 finished.');
  expect(statusText({ ...one, phase: 'finished', ended: 5000 }, 0)).toBe('One picture in 5 seconds.');
  expect(statusText({ ...one, phase: 'cancelled' }, 0)).toBe('Cancelled. 1 of 3 had been finished.');
  expect(statusText({ ...one, phase: 'failed', error: 'No.' }, 0)).toBe('No.');
});

test.each([
  [0.2, 'a second'],
  [4.4, '4 seconds'],
  [11, '15 seconds'],
  [75, 'a minute'],
  [150, '3 minutes'],
])('%d s are %s', (seconds, words) => expect(duration(seconds)).toBe(words));

test('what the model makes of a prompt', () => {
  const unknown = [
    { word: 'elefant', suggestions: ['elephant', 'infant'] },
    { word: 'zzz', suggestions: [] },
  ];
  expect(hintTexts({ unknown, empty: false, cut: true })).toEqual([
    'The prompt is longer than the model reads; its end is left out.',
    'The model never saw the word “elefant”. It knows “elephant”, “infant”.',
    'The model never saw the word “zzz”.',
  ]);
  expect(hintTexts(undefined)).toEqual([]);
});
