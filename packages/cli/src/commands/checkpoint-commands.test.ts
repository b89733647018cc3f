import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDalleBart } from '@easel/bart/node';
import { openClip } from '@easel/clip/node';
import { selectBackend } from '@easel/core';
import { openCheckpoint, saveSafetensors } from '@easel/core/node';
import { openPictureModel } from '@easel/draw/node';
import { openVqgan } from '@easel/vqgan/node';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { writeTinyModel } from '../../../draw/testing/tiny-model.js';
import { runEasel, testBackend } from '../../testing/run-easel.js';
import { writeTinyClip } from '../../testing/tiny-clip.js';

jest.setTimeout(300_000); // a busy machine

/** Flax checkpoints of the original, scanned and not. */
const golden = (name: string) =>
  fileURLToPath(new URL(`../../../../reference/golden/bart/${name}`, import.meta.url));

const goldenVqgan = fileURLToPath(new URL('../../../../reference/golden/vqgan/two_levels', import.meta.url));

const goldenClip = (name: string) =>
  fileURLToPath(new URL(`../../../../reference/golden/clip/${name}`, import.meta.url));

/** The same in PyTorch's forms. */
const torch = fileURLToPath(new URL('../../../../reference/torch', import.meta.url));

let root: string;
const at = (...parts: string[]) => join(root, ...parts);

beforeAll(async () => {
  await selectBackend(testBackend);
  root = mkdtempSync(join(tmpdir(), 'easel-checkpoint-'));
  await writeTinyModel(at('tiny'));
  await writeTinyModel(at('wide'), { d_model: 64, encoder_ffn_dim: 66, decoder_ffn_dim: 33 });
  await saveSafetensors(
    at('strange.safetensors'),
    new Map([['x', { data: Float32Array.of(1), shape: [1] }]]),
  );
});
afterAll(() => rmSync(root, { recursive: true }));

/** A golden model's folder with a tokenizer, as the hub has them. */
function flaxFolder(name: string): string {
  const folder = at(`flax-${name}`);
  cpSync(golden(name), folder, { recursive: true });
  for (const file of ['vocab.json', 'merges.txt']) copyFileSync(at('tiny', file), join(folder, file));
  return folder;
}

test('a model draws by the same settings before and after, whosever names its weights have', async () => {
  const settingsOf = async (folder: string) => {
    const opened = await openPictureModel(folder, { vqgan: at('tiny', 'vqgan') });
    opened.dispose();
    return opened.settings;
  };
  const plain = { topK: 50, topP: 1, temperature: 1, conditionScale: 1 };
  expect(await settingsOf(at('tiny'))).toEqual(plain);
  cpSync(at('tiny'), at('text'), { recursive: true });
  rmSync(at('text', 'vqgan'), { recursive: true }); // vqgan-jax has no such VQGAN
  expect(await runEasel('convert', at('text'), at('twin-flax'), '--to', 'flax')).toMatchObject({ code: 0 });
  expect(await settingsOf(at('twin-flax'))).toEqual(plain);
  rmSync(at('twin-flax', 'generation.json')); // as the original's folders are
  expect(await settingsOf(at('twin-flax'))).toEqual({ ...plain, conditionScale: 10 });
  expect(await runEasel('convert', at('twin-flax'), at('twin-easel'))).toMatchObject({ code: 0 });
  expect(await settingsOf(at('twin-easel'))).toEqual({ ...plain, conditionScale: 10 });
});

describe('easel convert of a CLIP', () => {
  test('PyTorch → Easel → Flax → Easel: the same weights, to the last bit, checked outputs, and the folder opens', async () => {
    const torchClip = at('clip-torch');
    writeTinyClip(torchClip);
    const steps = [
      [torchClip, at('clip-easel')],
      [at('clip-easel'), at('clip-flax'), '--to', 'flax'],
      [at('clip-flax'), at('clip-back')],
    ];
    for (const step of steps) {
      const { code, stdout, stderr } = await runEasel('convert', ...step, '--verify', '--json');
      expect([code, stderr]).toEqual([0, expect.anything()]);
      const [{ kind, outputs }] = JSON.parse(stdout);
      expect([kind, outputs.difference]).toEqual(['clip', 0]);
    }
    const [first, back] = [await openClip(torchClip), await openClip(at('clip-back'))];
    for (const [name, weight] of first.clip.namedWeights()) {
      expect([name, back.clip.namedWeights().get(name)?.dataSync()]).toEqual([name, weight.dataSync()]);
    }
    first.dispose();
    back.dispose();
  });

  test("Flax's and PyTorch's files give the same file; in Flax's form, the tensors of the original", async () => {
    const folder = goldenClip('quick_gelu');
    const config = ['--config', join(folder, 'config.json')];
    for (const name of ['flax_model.msgpack', 'model.safetensors'])
      expect(await runEasel('convert', join(folder, name), at(`from-${name}`), ...config)).toMatchObject({
        code: 0,
      });
    const [flax, torch] = ['flax_model.msgpack', 'model.safetensors'].map((name) =>
      readFileSync(at(`from-${name}`, 'model.safetensors')),
    ) as [Buffer, Buffer];
    expect(Buffer.compare(flax, torch)).toBe(0);
    const back = await runEasel('convert', at('from-model.safetensors'), at('to-flax'), '--to', 'flax');
    expect(back).toMatchObject({ code: 0 });
    // The recording keeps logit_scale as a NumPy scalar, Easel as an array without axes: the same
    // to Flax, not the same bytes.
    const original = await openCheckpoint(join(folder, 'flax_model.msgpack'));
    const written = await openCheckpoint(at('to-flax'));
    expect([...written.entries.keys()].sort()).toEqual([...original.entries.keys()].sort());
    for (const name of written.entries.keys())
      expect(await written.read(name)).toEqual(await original.read(name));
    await Promise.all([original.close(), written.close()]);
  });
});

describe('easel convert', () => {
  test.each(['normformer_scan', 'normformer_noscan'])(
    '%s: the same weights under our names, to the last bit',
    async (name) => {
      const folder = flaxFolder(name);
      const out = at(`easel-${name}`);
      const { code, stdout } = await runEasel('convert', folder, out, '--json');
      expect(code).toBe(0);
      const [{ tensors, kind }] = JSON.parse(stdout);
      expect(kind).toBe('text');
      expect(readdirSync(out).sort()).toEqual([
        'config.json',
        'generation.json',
        'merges.txt',
        'model.safetensors',
        'vocab.json',
      ]);
      const source = await openCheckpoint(folder);
      const converted = await openCheckpoint(out);
      expect(converted.entries.size).toBe(tensors);
      const lmHead = await converted.read('lm_head.kernel');
      expect(lmHead).toEqual(await source.read('lm_head.kernel'));
      const stacked = name === 'normformer_scan';
      const query = stacked
        ? await source.read('model.encoder.layers.FlaxBartEncoderLayers.FlaxBartAttention_0.q_proj.kernel', 1)
        : await source.read('model.encoder.layers.FlaxBartEncoderLayer_1.FlaxBartAttention_0.q_proj.kernel');
      expect(await converted.read('encoder.layers.1.self_attn.query.kernel')).toEqual(query);
      await Promise.all([source.close(), converted.close()]);
    },
  );

  test('a model with its VQGAN, to float16, opens again', async () => {
    const { code, stdout } = await runEasel('convert', at('tiny'), at('half'), '--dtype', 'f16');
    expect(code).toBe(0);
    expect(stdout).toMatch(/half: text model, \d+ tensors, 0\.0 MiB\n.*vqgan: VQGAN, \d+ tensors/);
    expect(readdirSync(at('half')).sort()).toEqual([
      'config.json',
      'merges.txt',
      'model.safetensors',
      'special_tokens_map.json',
      'tokenizer_config.json',
      'vocab.json',
      'vqgan',
    ]);
    const [model, vqgan] = [await openDalleBart(at('half')), await openVqgan(at('half', 'vqgan'))];
    const [original] = [await openCheckpoint(at('tiny'))];
    const half = await model.model.namedWeights().get('lm_head.kernel')?.data();
    const full = await original.read('lm_head.kernel');
    full.forEach((value, i) => {
      expect(Math.abs(value - (half?.[i] ?? Number.NaN))).toBeLessThanOrEqual(
        Math.abs(value) * 2 ** -11 + 2 ** -25,
      );
    });
    model.dispose();
    vqgan.dispose();
    await original.close();
  });

  test("min-dalle's files: the text model, and its VQGAN with a config of its own", async () => {
    const folder = at('min-dalle');
    mkdirSync(folder);
    for (const file of ['encoder.pt', 'decoder.pt']) copyFileSync(join(torch, file), join(folder, file));
    copyFileSync(join(golden('normformer_noscan'), 'config.json'), join(folder, 'config.json'));
    for (const file of ['vocab.json', 'merges.txt']) copyFileSync(at('tiny', file), join(folder, file));
    const vqgan = at('min-dalle-vqgan');
    mkdirSync(vqgan);
    copyFileSync(join(torch, 'detoker.pt'), join(vqgan, 'detoker.pt'));
    copyFileSync(join(goldenVqgan, 'config.json'), join(vqgan, 'config.json'));
    // A folder of min-dalle's own has no config for the VQGAN; it is then the published one, which
    // this is not.
    copyFileSync(join(vqgan, 'detoker.pt'), join(folder, 'detoker.pt'));
    const published = await runEasel('convert', folder, at('from-published'));
    expect([published.code, published.stderr]).toEqual([
      1,
      expect.stringContaining('detoker.pt does not fit'),
    ]);

    const first = await runEasel('convert', vqgan, at('from-vqgan'), '--config', join(vqgan, 'config.json'));
    expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/: VQGAN, \d+ tensors/) });
    const { code } = await runEasel('convert', folder, at('from-min-dalle'), '--vqgan', at('from-vqgan'));
    expect(code).toBe(0);
    const [source, converted] = [await openCheckpoint(folder), await openCheckpoint(at('from-min-dalle'))];
    const kernel = await source.read('decoder.layers.1.encoder_attn.k_proj.weight', 3); // row 3 of [out, in]
    const ours = await converted.read('decoder.layers.1.cross_attn.key.kernel');
    expect(kernel).toEqual(Float32Array.from(kernel, (_, i) => ours[i * kernel.length + 3] as number));
    const opened = await openVqgan(at('from-min-dalle', 'vqgan'));
    expect(opened.canEncode).toBe(false);
    opened.dispose();
    await Promise.all([source.close(), converted.close()]);
  });

  test.each(['normformer_scan', 'normformer_noscan'])(
    '%s: back to Flax, the bytes of the original; restacked, the same outputs',
    async (name) => {
      const folder = flaxFolder(name);
      const [ours, back, other] = ['ours', 'back', 'other'].map((part) => at(`${part}-${name}`)) as [
        string,
        string,
        string,
      ];
      const stacked = name === 'normformer_scan';
      expect(await runEasel('convert', folder, ours)).toMatchObject({ code: 0 });
      const again = await runEasel('convert', ours, back, '--to', 'flax', '--verify', '--quiet');
      expect(again).toMatchObject({ code: 0, stderr: '' });
      expect(again.stdout).toMatch(/: text model, \d+ tensors, 0\.\d MiB, outputs equal$/m);
      const file = 'flax_model.msgpack';
      expect(Buffer.compare(readFileSync(join(back, file)), readFileSync(join(folder, file)))).toBe(0);
      expect(JSON.parse(readFileSync(join(back, 'config.json'), 'utf8')).use_scan).toBe(stacked);

      const restacked = ['--to', 'flax', stacked ? '--no-stacked' : '--stacked'];
      const { code, stdout } = await runEasel('convert', back, other, ...restacked, '--verify', '--json');
      expect([code, JSON.parse(stdout)[0].outputs.difference]).toEqual([0, 0]);
      expect(JSON.parse(readFileSync(join(other, 'config.json'), 'utf8')).use_scan).toBe(!stacked);
      const source = await openCheckpoint(other);
      const part = stacked ? 'FlaxBartDecoderLayer_1' : 'FlaxBartDecoderLayers';
      expect(source.entries.has(`model.decoder.layers.${part}.GLU_0.Dense_0.kernel`)).toBe(true);
      await source.close();
    },
  );

  test('a VQGAN: to Flax, the bytes of the original; float16 differs by its rounding', async () => {
    const { code } = await runEasel('convert', goldenVqgan, at('vqgan-ours'));
    expect(code).toBe(0);
    const back = await runEasel(
      'convert',
      at('vqgan-ours'),
      at('vqgan-back'),
      '--to',
      'flax',
      '--verify',
      '--json',
    );
    const [{ outputs }] = JSON.parse(back.stdout);
    expect([back.code, outputs.difference]).toEqual([0, 0]);
    expect(outputs.largest).toBeGreaterThan(0.1);
    const original = readFileSync(join(goldenVqgan, 'flax_model.msgpack'));
    expect(Buffer.compare(readFileSync(at('vqgan-back', 'flax_model.msgpack')), original)).toBe(0);

    const half = await runEasel(
      'convert',
      goldenVqgan,
      at('vqgan-half'),
      '--dtype',
      'f16',
      '--verify',
      '--json',
    );
    const [{ outputs: rounded }] = JSON.parse(half.stdout);
    expect(rounded.difference).toBeGreaterThan(0);
    expect(rounded.difference).toBeLessThan(0.01 * rounded.largest);
  });

  test.each(['v1_plain', 'v1_decoder_defaults'])(
    'the first version, %s: to Easel and back to Flax, the bytes of the original, the same outputs',
    async (name) => {
      const [ours, back] = [at(`ours-${name}`), at(`back-${name}`)];
      const there = await runEasel('convert', golden(name), ours, '--verify', '--quiet');
      expect(there.stderr).toBe('');
      expect(there.stdout).toMatch(/: text model of the first version, \d+ tensors, .*, outputs equal$/m);
      expect(readdirSync(ours).sort()).toEqual(['config.json', 'decoder_config.json', 'model.safetensors']);
      const again = await runEasel('convert', ours, back, '--to', 'flax', '--verify', '--json');
      expect([again.code, JSON.parse(again.stdout)[0].outputs.difference]).toEqual([0, 0]);
      const [original, written] = [golden(name), back].map((folder) =>
        readFileSync(join(folder, 'flax_model.msgpack')),
      ) as [Buffer, Buffer];
      expect(Buffer.compare(original, written)).toBe(0);
    },
  );

  test('in parts, and from parts: the same weights, the same outputs', async () => {
    const folder = flaxFolder('normformer_scan');
    const [parts, flaxParts, whole] = [at('parts'), at('flax-parts'), at('whole')];
    const size = ['--shard-size', '10KB', '--verify', '--json'];
    for (const [from, to, more] of [
      [folder, parts, size],
      [parts, flaxParts, [...size, '--to', 'flax']],
      [flaxParts, whole, ['--to', 'flax', '--verify', '--json']],
    ] as const) {
      const { code, stdout } = await runEasel('convert', from, to, ...more);
      expect([code, JSON.parse(stdout)[0].outputs.difference]).toEqual([0, 0]);
    }
    const names = readdirSync(flaxParts);
    expect(names).toContain('flax_model.msgpack.index.json');
    expect(names.filter((name) => /^flax_model-\d{5}-of-\d{5}\.msgpack$/.test(name)).length).toBeGreaterThan(
      2,
    );
    expect(readdirSync(parts)).toContain('model.safetensors.index.json');
    const original = readFileSync(join(folder, 'flax_model.msgpack'));
    expect(Buffer.compare(readFileSync(join(whole, 'flax_model.msgpack')), original)).toBe(0);
  });

  test('weights keep their storage unless another is asked for', async () => {
    const half = join(torch, 'detoker.pt'); // float16
    const config = ['--config', join(goldenVqgan, 'config.json')];
    expect(await runEasel('convert', half, at('kept'), ...config, '--verify')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('outputs equal'),
    });
    expect(await runEasel('convert', half, at('widened'), ...config, '--dtype', 'f32')).toMatchObject({
      code: 0,
    });
    for (const [name, dtype] of [
      ['kept', 'F16'],
      ['widened', 'F32'],
    ] as const) {
      const source = await openCheckpoint(at(name));
      expect(new Set([...source.entries.values()].map((entry) => entry.dtype))).toEqual(new Set([dtype]));
      await source.close();
    }
  });

  test.each([
    [['--shard-size', '5'], '--shard-size: expected a size as 500MB or 2GB, got "5"'],
    [['--shard-size', '0MB'], 'expected a size'],
    [['--stacked'], '--stacked and --no-stacked go with --to flax'],
  ])('a command line with %j', async (more, message) => {
    const { code, stderr } = await runEasel('convert', at('tiny'), at('x'), ...more);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  test.each<[string, () => string[], string]>([
    [
      'a VQGAN that vqgan-jax cannot compute',
      () => [at('tiny', 'vqgan'), at('x'), '--to', 'flax'],
      'vqgan-jax computes with norm_groups 32',
    ],
    [
      'a second checkpoint in one folder',
      () => [flaxFolder('normformer_scan'), at('tiny'), '--to', 'flax'],
      'it holds model.safetensors, and two checkpoints in one folder',
    ],
    ['no such input', () => [at('tin'), at('x')], 'Did you mean'],
    [
      'no config beside it',
      () => [at('tiny', 'model.safetensors'), at('x'), '--config', at('none.json')],
      'there is no such file. A checkpoint needs its config.json',
    ],
    [
      "another kind of model's config",
      () => [at('tiny', 'vqgan'), at('x'), '--config', at('tiny', 'config.json')],
      'it holds a VQGAN (its tensor decoder.conv_in.kernel says so), but',
    ],
    [
      "another model's config",
      () => [at('tiny', 'vqgan'), at('x'), '--config', join(goldenVqgan, 'config.json')],
      'does not fit the model. of another shape (150): encoder.conv_in.kernel: expected [3,3,3,32], found [3,3,3,8]; ',
    ],
    [
      'tensors and a config of no model',
      () => [at('strange.safetensors'), at('x'), '--config', at('tiny', 'tokenizer_config.json')],
      'neither it nor the names of the tensors in',
    ],
    ['into itself', () => [at('tiny'), at('tiny')], 'input and output are the same folder'],
    [
      'a VQGAN for a VQGAN',
      () => [at('tiny', 'vqgan'), at('x'), '--vqgan', at('tiny', 'vqgan')],
      'this is a VQGAN itself',
    ],
    [
      'a VQGAN for a CLIP',
      () => [goldenClip('quick_gelu'), at('x'), '--vqgan', at('tiny', 'vqgan')],
      'this is a CLIP; --vqgan goes with a text model',
    ],
    [
      'stacked layers of a model that has none',
      () => [goldenClip('quick_gelu'), at('x'), '--to', 'flax', '--stacked'],
      'a CLIP keeps its layers apart',
    ],
    [
      'parts beside a whole checkpoint',
      () => [goldenClip('quick_gelu'), at('tiny'), '--shard-size', '1MB'],
      'it holds model.safetensors, and two checkpoints in one folder',
    ],
    ['unwritable output', () => [at('tiny'), '/proc/easel'], 'Output folder /proc/easel: cannot write'],
  ])('%s', async (_name, argv, message) => {
    const { code, stdout, stderr } = await runEasel('convert', ...argv());
    expect(stderr).toContain(message);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.trim().split('\n').at(-1)).toMatch(/^easel convert: /);
  });
});

describe('weights in 8 and 4 bits', () => {
  test.each(['int8', 'int4', 'int4-64'])('%s: converted, named by inspect, and drawn with', async (dtype) => {
    const [out, drawn] = [at(`tiny-${dtype}`), at(`drawn-${dtype}`)];
    expect(await runEasel('convert', at('wide'), out, '--dtype', dtype)).toMatchObject({ code: 0 });
    const { stdout } = await runEasel('inspect', out);
    expect(stdout).toMatch(/^ {2}quantization: easel-1$/m);
    const named = { int8: 'INT8', int4: 'INT4 by 32', 'int4-64': 'INT4 by 64' }[dtype];
    expect(stdout).toMatch(new RegExp(`^encoder\\.embed_tokens\\.embedding +${named} +\\[280, 64\\]$`, 'm'));
    expect((await runEasel('inspect', join(out, 'vqgan'))).stdout).toMatch(
      /parameters, F16, F32|parameters, F16$/m,
    );
    const tokens = async (model: string, weights: string) => {
      const prompt = ['generate', 'a dog', '--model', model, '--out', drawn, '--weights', weights];
      const { code, stdout: json, stderr } = await runEasel(...prompt, '--json', '--tokens');
      expect([code, stderr]).toEqual([0, expect.anything()]);
      return JSON.parse(json)[0].tokens;
    };
    const expected = await tokens(out, 'f32');
    expect(await tokens(out, 'stored')).toEqual(expected);
    expect(await tokens(at('wide'), dtype)).toEqual(expected);
  });

  test.each<[string, string[], RegExp]>([
    [
      'a VQGAN',
      ['ROOT/tiny/vqgan', 'x', '--dtype', 'int8'],
      /--dtype: expected f32, .* for a VQGAN, got int8\./,
    ],
    ['Flax', ['ROOT/tiny', 'x', '--dtype', 'int4', '--to', 'flax'], /--dtype: .* with --to flax, got int4\./],
  ])('%s has none', async (_, args, message) => {
    const [input, out, ...others] = args.map((arg) => arg.replace('ROOT', root));
    const { code, stderr } = await runEasel('convert', input as string, at(out as string), ...others);
    expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
    expect(existsSync(at(out as string, 'config.json'))).toBe(false);
  });
});

describe('easel inspect', () => {
  test('a model folder: every tensor with type and shape, and the totals', async () => {
    const { code, stdout } = await runEasel('inspect', at('tiny', 'vqgan'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^quantize\.embedding\.embedding +F32 +\[18, 5\]$/m);
    expect(stdout).toMatch(/^\d+ tensors, [\d,]+ parameters, F32$/m);
    const { stdout: json } = await runEasel('inspect', at('tiny', 'vqgan'), '--json');
    const { tensors, parameters, metadata } = JSON.parse(json);
    const counted = tensors.reduce(
      (sum: number, { shape }: { shape: number[] }) => sum + shape.reduce((a, b) => a * b, 1),
      0,
    );
    expect([parameters, metadata.format]).toEqual([counted, 'easel']);
  });

  test('a Flax checkpoint', async () => {
    const { stdout } = await runEasel('inspect', join(golden('normformer_scan'), 'flax_model.msgpack'));
    expect(stdout).toMatch(/^lm_head\.kernel +F32 +\[32, 33\]$/m);
  });

  test.each<[string, string | Uint8Array, RegExp]>([
    [
      'pointer.safetensors',
      'version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 12345\n',
      /Git LFS pointer and not the file of 12345 bytes/,
    ],
    ['page.msgpack', '<!DOCTYPE html><html></html>', /web page/],
    ['old.bin', Uint8Array.of(0x80, 2, 0x8a, 10), /Python pickle/],
    ['empty.safetensors', '', /the file is empty/],
    [
      'prose.txt',
      'hello there, this is text',
      /expected a \.safetensors, a Flax \.msgpack or a PyTorch file/,
    ],
    ['fake.png', 'no picture', /fake\.png: expected/],
  ])('%s is refused by what it is', async (name, content, message) => {
    writeFileSync(at(name), content);
    const { code, stdout, stderr } = await runEasel('inspect', at(name));
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('truncated checkpoints', async () => {
    const weights = at('cut.safetensors');
    copyFileSync(at('tiny', 'model.safetensors'), weights);
    truncateSync(weights, readFileSync(weights).length - 5);
    expect((await runEasel('inspect', weights)).stderr).toMatch(/easel inspect: .*cut\.safetensors/);
    const flax = at('cut.msgpack');
    copyFileSync(join(golden('normformer_scan'), 'flax_model.msgpack'), flax);
    truncateSync(flax, 1000);
    const { code, stderr } = await runEasel('inspect', flax);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/easel inspect: .*cut\.msgpack/)]);
  });

  test('what a PyTorch file holds and cannot be read is named', async () => {
    const file = fileURLToPath(
      new URL('../../../core/src/checkpoint/golden/torch/views_legacy.pt', import.meta.url),
    );
    const { code, stdout } = await runEasel('inspect', file);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^left out: sparse: a sparse tensor/m);
    expect(stdout).toMatch(/ tensors, [\d,]+ parameters, .*; 6 left out$/m);
    const { stdout: json } = await runEasel('inspect', file, '--json');
    expect(JSON.parse(json).leftOut.meta).toContain('"meta"');
  });

  test('a drawn picture tells how it was made', async () => {
    mkdirSync(at('drawn'));
    const { stdout: file } = await runEasel(
      'generate',
      'a dog',
      '--model',
      at('tiny'),
      '--out',
      at('drawn'),
      '--quiet',
    );
    const { stdout } = await runEasel('inspect', file.trim());
    expect(stdout).toMatch(/^Description: a dog$/m);
    expect(stdout).toContain('"seed":0');
  });
});
