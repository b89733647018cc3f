import { expect, jest, test } from '@jest/globals';
import { judgePrompt } from '../../packages/train/src/judge/judge-prompt.js';
import { Renderings } from '../../packages/train/src/judge/renderings.js';
import { ShiftedDrawing } from '../../packages/train/src/judge/shifted-drawing.js';
import { randomFrom } from '../emoji/captions.mjs';
import { captionOf, isHeldOutWording } from './captions.mjs';
import { open } from './judged.mjs';
import { compose, drawScene, holdsHeldOut } from './scenes.mjs';

jest.setTimeout(300_000); // a busy machine

const set = (settings = {}) => open({ seed: 0, wording: 'canonical', ...settings });
const SIDE = 64;

/** Axes with few contrasts: the others would render every thing. */
const FEW = ['colour', 'count', 'relation', 'ground', 'style'];

test('the rendering of what is asked for is right, and contrasts are wrong', async () => {
  const scenes = set();
  const renderings = new Renderings(scenes, SIDE);
  const judged = new Set();
  for (const kind of scenes.kinds)
    for (const prompt of await scenes.prompts(kind, 1))
      for (const [axis, comparisons] of Object.entries(prompt.axes)) {
        if (!FEW.includes(axis)) continue;
        judged.add(axis);
        // The first, the last, and some between: of 73 grounds not all.
        const contrasts = comparisons[0].contrasts();
        const step = Math.ceil(contrasts.length / 6);
        const some = contrasts.filter((_, i) => i % step === 0 || i === contrasts.length - 1);
        const names = [prompt.right, ...some];
        const drawings = [];
        for (const name of names) drawings.push(new ShiftedDrawing(await renderings.pixels(name), SIDE));
        const verdicts = await judgePrompt(
          { ...prompt, axes: { [axis]: comparisons } },
          drawings,
          renderings,
        );
        expect([prompt.prompt, ...verdicts[axis]]).toEqual([prompt.prompt, ...names.map((_, i) => i === 0)]);
      }
  expect(judged).toEqual(new Set(FEW));
});

test('a pair: both are there whichever way they stand; the relation is an axis of its own', async () => {
  const [prompt] = (await set().prompts('pair', 30)).filter(({ right }) => right.includes('"above"'));
  const { ids } = JSON.parse(prompt.right);
  const [a, b] = ids;
  const below = JSON.stringify({ ids: [a, b], relation: 'below' });
  const standing = prompt.axes.both.find(({ right }) => right === below);
  const contrasts = standing.contrasts().map((name) => JSON.parse(name));
  expect(contrasts).toHaveLength(2 * 1303);
  expect(contrasts.every(({ ids: two, relation }) => relation === 'below' && two[0] !== two[1])).toBe(true);
  expect(contrasts.filter(({ ids: two }) => two[0] === a)).toHaveLength(1303);
  expect(prompt.axes.first.map(({ contrasts: of }) => of().length)).toEqual(new Array(8).fill(1303));
  expect(prompt.axes.relation[0].contrasts()).toHaveLength(7);
  expect(prompt.axes.relation[0].contrasts()).not.toContain(prompt.right);
  const [and] = (await set().prompts('pair', 30)).filter(({ right }) => right.includes('"and"'));
  expect(Object.keys(and.axes)).toEqual(['first', 'second', 'both']);
});

test('splits hold what training sees or not; prompts come once; more begin with the same', async () => {
  const scenes = set({ seed: 3 });
  // Colours take longer: a thing's own is measured.
  for (const kind of scenes.kinds.filter((one) => one !== 'colour')) {
    const prompts = await scenes.prompts(kind, 12);
    const fewer = await scenes.prompts(kind, 5);
    const splits = new Set(prompts.map(({ split }) => split));
    expect([kind, splits.size]).toEqual([kind, kind === 'alone' || kind === 'pair' ? 3 : 2]);
    for (const split of splits) {
      const own = prompts.filter((one) => one.split === split);
      expect(new Set(own.map(({ prompt }) => prompt)).size).toBe(12);
      expect(fewer.filter((one) => one.split === split).map(({ prompt }) => prompt)).toEqual(
        own.slice(0, 5).map(({ prompt }) => prompt),
      );
      for (const { prompt, right } of own) {
        const said = JSON.parse(right);
        const held =
          kind === 'alone' ? isHeldOutWording(said.ids[0], prompt) : holdsHeldOut(compose(kind, said));
        expect([prompt, held]).toEqual([prompt, split === 'unseen wording' || split.startsWith('held')]);
      }
    }
  }
});

test('other wordings of the same scenes', async () => {
  const [canonical, paraphrased] = await Promise.all(
    ['canonical', 'paraphrase'].map((wording) => set({ wording }).prompts('count', 10)),
  );
  expect(paraphrased.map(({ right }) => right)).toEqual(canonical.map(({ right }) => right));
  expect(paraphrased.map(({ prompt }) => prompt)).not.toEqual(canonical.map(({ prompt }) => prompt));
  expect(() => set({ wording: 'plain' })).toThrow('wording: expected canonical or paraphrase, got "plain"');
});

test('no wording that is held out is in a caption of training', () => {
  for (let i = 0; i < 300; i++) {
    const random = randomFrom(`wordings ${i}`);
    const scene = drawScene(random, { alone: 1 });
    const caption = captionOf(scene, random);
    expect([caption, isHeldOutWording(scene.said.ids[0], caption)]).toEqual([caption, false]);
  }
});
