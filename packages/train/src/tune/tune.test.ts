import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPictureModel } from '@easel/draw/node';
import { isEncoderWeight } from '@easel/vqgan/internals';
import { openVqgan, saveVqgan } from '@easel/vqgan/node';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import {
  tinyVqganConfig,
  writeTinyFirstVersion,
  writeTinyModel,
  writeTinyVqgan,
} from '../../../draw/testing/tiny-model.js';
import { startTestBackend } from '../../testing/backend.js';
import { drawPictures } from '../../testing/drawings.js';
import { type TuneEvent, type TuneOptions, tune } from './tune.js';

jest.setTimeout(300_000); // a busy machine

let root: string;
let out: string;
const at = (...parts: string[]) => join(root, ...parts);
beforeAll(async () => {
  await startTestBackend();
  root = mkdtempSync(join(tmpdir(), 'easel-tune-'));
  await drawPictures(at('pictures'), 6, 8);
  await writeTinyModel(at('model'));
  writeFileSync(at('model', 'prompts.txt'), 'a dog\na red heart\na blue heart\n');
});
beforeEach(() => {
  out = mkdtempSync(join(root, 'out-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const pictures = (folder = 'pictures') => [{ path: at(folder) }];
const options = (more: Partial<TuneOptions> = {}): TuneOptions => ({ from: at('model'), out, ...more });
const short = (more: Partial<TuneOptions> = {}) => options({ minutes: 0.001, ...more });

/** Contents of all files of a folder by their path in it. */
function contents(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return new Map(
    names.flatMap((name) => {
      try {
        return [[name, readFileSync(join(folder, name)).toString('base64')] as const];
      } catch {
        return []; // a folder
      }
    }),
  );
}

async function notesOf(folder: string, more: Partial<TuneOptions> = {}) {
  const notes: string[] = [];
  const onEvent = (event: TuneEvent) => {
    if (event.kind === 'note') notes.push(event.text);
  };
  return { result: await tune(pictures(folder), short({ onEvent, ...more })), notes: notes.join('\n') };
}

test('stopped in each stage it goes on, and leaves a model that draws', async () => {
  const [tensors, before] = [tf.memory().numTensors, contents(at('model'))];
  const stages: string[] = [];
  const sitting = (stage?: string, more: Partial<TuneOptions> = {}) => {
    const stop = new AbortController();
    const onEvent = (event: TuneEvent) => {
      if (event.kind === 'stage') stages.push(event.stage);
      if (event.kind === 'progress' && event.stage === stage && event.done > 1) stop.abort();
    };
    return tune(pictures(), options({ signal: stop.signal, onEvent, ...more }));
  };
  const first = { minutes: 0.001, rehearsal: 0.25, decoderBelow: 99 };
  expect(await sitting('rehearsed', first)).toMatchObject({ complete: false, captions: [], known: [] });
  expect((await sitting('decoder')).complete).toBe(false);
  expect((await sitting('seq2seq')).complete).toBe(false);
  const result = await sitting();
  expect(stages).toEqual([...['encoded', 'rehearsed', 'decoder', 'decoder', 'seq2seq'], 'seq2seq']);
  expect(result).toMatchObject({ complete: true, model: out, pictures: 6, rehearsed: 3 });
  expect(result.known).toEqual(['a dog', 'a red heart', 'a blue heart']);
  expect(result.captions).toHaveLength(12);
  expect(result.captions).toEqual(expect.arrayContaining(['a red circle', 'square in red']));
  expect(result.tunedPsnr).toBeGreaterThan(result.psnr);

  expect(contents(at('model'))).toEqual(before);
  const prompts = readFileSync(join(out, 'prompts.txt'), 'utf8').trim().split('\n');
  expect([...prompts].sort()).toEqual([...result.captions, ...result.known].sort());
  const [old, tuned] = [await openVqgan(at('model', 'vqgan')), await openVqgan(join(out, 'vqgan'))];
  for (const [name, weight] of old.namedWeights()) {
    const difference = tf.tidy(() =>
      tf.max(tf.abs(tf.sub(weight, tuned.namedWeights().get(name) as tf.Tensor))),
    );
    const largest = (await difference.data())[0] as number;
    difference.dispose();
    if (isEncoderWeight(name) || name.startsWith('quantize.'))
      expect(largest).toBeLessThan(2e-3); // rounded to float16
    else if (name === 'decoder.conv_out.bias') expect(largest).toBeGreaterThan(2e-3);
  }
  old.dispose();
  tuned.dispose();
  const model = await openPictureModel(out);
  model.dispose();
  expect(tf.memory().numTensors).toBe(tensors);

  expect((await sitting()).complete).toBe(true); // nothing is left to do
  expect(stages).toHaveLength(6);
  await expect(sitting(undefined, { rehearsal: 0.5 })).rejects.toThrow(
    'begun with --rehearsal 0.25, now 0.5 is given. Leave --rehearsal out to go on',
  );
  await expect(sitting(undefined, { captionLines: 'first' })).rejects.toThrow('other pictures or captions');
  await writeTinyVqgan(at('changed'), { ...tinyVqganConfig, embed_dim: 4 });
  await expect(sitting(undefined, { from: at('model'), vqgan: at('changed') })).rejects.toThrow();
});

test('a decoder that draws well enough stays; a tuned model is tuned again, without rehearsal', async () => {
  const { result, notes } = await notesOf('pictures', { decoderBelow: 0 });
  expect(result.tunedPsnr).toBeUndefined();
  expect(notes).toMatch(/at -?\d+\.\d dB, not below 0: the decoder stays/);
  expect(notes).toContain('6 pictures are few: 20 to 200 are usual');
  expect(notes).toContain('3 drawings of 3 prompts');
  const again = await notesOf('pictures', { from: out, out: at('again'), rehearsal: 0, decoderBelow: 99 });
  expect(again.result).toMatchObject({ complete: true, rehearsed: 0 });
  expect(again.notes).toContain('nothing is rehearsed');
  expect(again.result.known).toHaveLength(12);
});

test('what can not be used is counted, and one picture is enough', async () => {
  await drawPictures(at('one'), 1, 13);
  writeFileSync(at('one', 'broken.png'), 'broken');
  writeFileSync(at('one', 'broken.txt'), 'a broken one');
  writeFileSync(at('one', 'lonely.txt'), 'no picture');
  await drawPictures(at('one', 'untold'), 1, 40);
  rmSync(at('one', 'untold', 'red-circle.txt'));
  const { result, notes } = await notesOf('one', { decoderBelow: 0 });
  expect(result).toMatchObject({ complete: true, pictures: 1 });
  expect(notes).toMatch(
    /2 pictures can't be used: (undecodable 1, no caption 1|no caption 1, undecodable 1); named in/,
  );
  expect(notes).toMatch(/left out: text without picture 1; named in .*skipped\.jsonl/);
  expect(notes).toContain('1 pictures with 2 captions');
});

describe('refused before anything is written', () => {
  const refused = async (message: RegExp | string, more: Partial<TuneOptions>, folder = 'pictures') => {
    const target = at('untouched');
    await expect(tune(pictures(folder), short({ out: target, ...more }))).rejects.toThrow(message);
    expect(existsSync(target)).toBe(false);
  };

  test('a VQGAN without encoder, or another one', async () => {
    await writeTinyModel(at('half'));
    const vqgan = await openVqgan(at('half', 'vqgan'));
    await saveVqgan(at('half', 'vqgan'), vqgan, { decoderOnly: true });
    await refused(/half\/vqgan: this VQGAN has no encoder.*Give the whole VQGAN.*--vqgan.*or tune another/, {
      from: at('half'),
    });
    const whole = { from: at('half'), vqgan: at('model', 'vqgan'), decoderBelow: 0 };
    expect((await tune(pictures(), short(whole))).complete).toBe(true);
    vqgan.quantizer.codes.assign(tf.tidy(() => vqgan.quantizer.codes.add(1)));
    await saveVqgan(at('other'), vqgan);
    vqgan.dispose();
    await refused(/other: this is another VQGAN than the one in .*half\/vqgan/, {
      from: at('half'),
      vqgan: at('other'),
    });
  });

  test('models of other kinds', async () => {
    await refused(/none: expected the folder of a model, with config\.json/, { from: at('none') });
    await writeTinyFirstVersion(at('first'));
    await refused(/first version model/, { from: at('first') });
    mkdirSync(at('run'));
    writeFileSync(at('run', 'config.json'), JSON.stringify({ kind: 'seq2seq', steps: 4 }));
    await refused(/run: this is the folder of a training run, and it has no model yet/, { from: at('run') });
  });

  test('folders without captions, without pictures, that are not there', async () => {
    await drawPictures(at('silent'), 2);
    for (const name of ['red-circle.txt', 'red-square.txt']) rmSync(at('silent', name));
    await refused(/silent.*caption/, {}, 'silent');
    mkdirSync(at('empty'));
    await refused(/empty/, {}, 'empty');
    await refused(/can't be read/, {}, 'nowhere');
  });

  test('settings out of range, no prompts, the folder of the model itself', async () => {
    await refused('expected minutes above 0', { minutes: 0 });
    await refused('expected rehearsal from 0 to 0.95, got 1', { rehearsal: 1 });
    await refused('expected decoderBelow to be a number of dB from 0, got -1', { decoderBelow: -1 });
    await refused('expected at least one, got none', { prompts: [] });
    await expect(tune(pictures(), short({ out: `${at('model')}/` }))).rejects.toThrow(
      'this is the folder of the model that is tuned, which stays as it is',
    );
  });

  test('nothing but broken pictures', async () => {
    mkdirSync(at('broken'));
    writeFileSync(at('broken', 'a.png'), 'broken');
    writeFileSync(at('broken', 'a.txt'), 'a');
    await expect(tune(pictures('broken'), short())).rejects.toThrow(/none of its 1 pictures can be used/);
  });
});
