import type { ModelPlan, TransformerInputs } from '@easel/bart';
import { type Key, sparseCrossEntropy, valueAndGrads } from '@easel/core';
import * as tf from '@tensorflow/tfjs';
import type { Checks } from '../../checks.js';
import { GoldenArrays } from '../../golden.js';
import type { Case, GoldenFolder, RunContext } from '../../kind.js';
import { checkDropoutKeys } from './dropout-keys.js';
import { flaxName, partOf, table } from './flax-names.js';
import { type AnyBart, openModel, planOf } from './open-model.js';
import { type ModelTolerance, toleranceOf } from './tolerance.js';

/**
 * Number of cached steps that are compared with the original's full pass, if it recorded no cached
 * logits.
 */
const CACHED_STEPS = 6;

/**
 * Makes the case of a model folder and one file of inputs and results: hidden states, logits,
 * cached steps, loss and every gradient, as far as the file has them. Inputs that the file lacks
 * come from io.safetensors.
 */
export function modelCase(folder: GoldenFolder, file: string, name: string): Case {
  return {
    name,
    async run(checks, context) {
      const results = new GoldenArrays(folder.file(file));
      const inputs = results.has('input_ids') ? results : new GoldenArrays(folder.file('io.safetensors'));
      const plan = planOf(folder, changesFor(file));
      const model = await openModel(plan, folder);
      try {
        const run = new ModelRun(plan, model, inputs, results, toleranceOf(plan, folder), checks);
        checkTable(checks, plan, model);
        await run.statesAndLogits();
        if (!run.dropoutKey) await run.cachedSteps(context);
        await context.ifPossible('gradients', () => run.lossAndGradients());
        if (run.dropoutKey && folder.has('keys.json')) checkDropoutKeys(checks, folder.file('keys.json'));
      } finally {
        model.dispose();
      }
    },
  };
}

/**
 * Returns settings that the config.json lacks. Later releases of transformers run the first version
 * with another epsilon of the norms, which is not in the file.
 */
function changesFor(file: string): Record<string, unknown> {
  return /transformers_4\.(1\d|2\d)/.test(file) ? { layer_norm_epsilon: 1e-5 } : {};
}

const isGradient = (name: string): boolean => name.startsWith('grad/');

class ModelRun {
  readonly dropoutKey: Key | undefined;
  private readonly plan: ModelPlan;
  private readonly model: AnyBart;
  private readonly inputs: GoldenArrays;
  private readonly results: GoldenArrays;
  private readonly tolerance: ModelTolerance;
  private readonly checks: Checks;

  constructor(
    plan: ModelPlan,
    model: AnyBart,
    inputs: GoldenArrays,
    results: GoldenArrays,
    tolerance: ModelTolerance,
    checks: Checks,
  ) {
    this.plan = plan;
    this.model = model;
    this.inputs = inputs;
    this.results = results;
    this.tolerance = tolerance;
    this.checks = checks;
    if (results.has('dropout_rng')) {
      const [high, low] = results.values('dropout_rng') as Uint32Array;
      this.dropoutKey = [high as number, low as number];
    }
  }

  async statesAndLogits(): Promise<void> {
    const { checks, results, tolerance } = this;
    const shown: Record<'encoder' | 'decoder', tf.Tensor[]> = { encoder: [], decoder: [] };
    const [logits, encoded] = tf.tidy(() => {
      const inputs = this.modelInputs();
      return [
        this.model.logits({
          ...inputs,
          dropoutKey: this.dropoutKey,
          onHidden: (stack, state) => void shown[stack].push(tf.keep(state.clone())),
        }),
        this.model.encode(inputs.inputIds, inputs.attentionMask, this.dropoutKey),
      ];
    }) as [tf.Tensor, tf.Tensor];
    for (const stack of ['encoder', 'decoder'] as const) {
      const states = await valuesOf(shown[stack]);
      const name = `${stack}_hidden_states`;
      if (!results.has(name)) continue;
      const expected = results.floats(name);
      const size = expected.length / (results.shape(name)[0] as number);
      checks.equal('layers', `number of ${name}`, states.length * size, expected.length);
      for (const [layer, state] of states.entries()) {
        const wanted = expected.subarray(layer * size, (layer + 1) * size);
        checks.close('states', `${stack} ${layer}`, state, wanted, tolerance.states);
      }
    }
    const [logitValues, encodedValues] = (await valuesOf([logits, encoded])) as [Float32Array, Float32Array];
    if (results.has('encoder_last_hidden_state')) {
      const wanted = results.floats('encoder_last_hidden_state');
      checks.close('states', 'encoder, last', encodedValues, wanted, tolerance.states);
    }
    checks.close('logits', 'logits', logitValues, results.floats('logits'), tolerance.logits);
  }

  /** Compares steps of one token with the cache. */
  async cachedSteps(context: RunContext): Promise<void> {
    const { checks, inputs, results } = this;
    const recorded = results.has('decode_logits');
    if (!recorded && inputs.has('decoder_attention_mask')) {
      context.leftOut('cached steps', 'the file has none, and steps have no decoder mask');
      return;
    }
    const name = recorded ? 'decode_logits' : 'logits';
    const expected = results.floats(name);
    const [rows, length, vocabulary] = results.shape(name) as [number, number, number];
    const ids = inputs.ints('decoder_input_ids');
    const width = inputs.shape('decoder_input_ids')[1] as number;
    const inputIds = inputs.tensor<tf.Rank.R2>('input_ids');
    const mask = inputs.tensor<tf.Rank.R2>('attention_mask');
    const encoded = this.model.encode(inputIds, mask);
    const all = Int32Array.from({ length: rows }, (_, row) => row);
    const room = { rows, length, texts: rows, textLength: mask.shape[1] };
    const state = this.model.startDecoding(room);
    this.model.setTexts(state, 0, encoded, mask);
    try {
      for (let step = 0; step < (recorded ? length : Math.min(length, CACHED_STEPS)); step++) {
        const column = Int32Array.from({ length: rows }, (_, row) => ids[row * width + step] as number);
        const positions = new Int32Array(rows).fill(step);
        const logits = this.model.step(state, { ids: column, positions, rows: all, texts: all });
        const got = await logits.data();
        logits.dispose();
        const wanted = new Float32Array(rows * vocabulary);
        for (let row = 0; row < rows; row++) {
          const at = (row * length + step) * vocabulary;
          wanted.set(expected.subarray(at, at + vocabulary), row * vocabulary);
        }
        checks.close('cached logits', `step ${step}`, got, wanted, this.tolerance.logits);
      }
    } finally {
      state.dispose();
      tf.dispose([inputIds, mask, encoded]);
    }
  }

  async lossAndGradients(): Promise<void> {
    if (!this.inputs.has('labels') || !this.results.has('loss')) return;
    const inputs = this.modelInputs();
    const labels = this.inputs.tensor('labels');
    try {
      await this.compareLossAndGradients(inputs, labels);
    } finally {
      tf.dispose([labels, ...Object.values(inputs)] as tf.Tensor[]);
    }
  }

  private async compareLossAndGradients(inputs: TransformerInputs, labels: tf.Tensor): Promise<void> {
    const { checks, results, tolerance } = this;
    const { value, grads } = valueAndGrads(
      () => meanCrossEntropy(this.model.logits({ ...inputs, dropoutKey: this.dropoutKey }), labels),
      this.model.namedWeights(),
    );
    const [loss] = await valuesOf([value]);
    checks.close('loss', 'loss', loss as Float32Array, [results.scalar('loss')], tolerance.loss);
    const recorded = new Set(results.names.filter(isGradient));
    if (recorded.size > 0) {
      for (const weight of table(this.plan)) {
        const name = `grad/${flaxName(weight)}`;
        recorded.delete(name);
        const got = await (grads.get(weight.name) as tf.Tensor).data();
        checks.close(
          'gradients',
          weight.name,
          got,
          partOf(results.floats(name), weight),
          tolerance.gradients,
        );
      }
      checks.equal('gradient names', 'of weights that ours lacks', [...recorded], []);
    }
    tf.dispose([...grads.values()]);
  }

  private modelInputs(): TransformerInputs {
    const { inputs } = this;
    return {
      inputIds: inputs.tensor<tf.Rank.R2>('input_ids'),
      attentionMask: inputs.tensor<tf.Rank.R2>('attention_mask'),
      decoderInputIds: inputs.tensor<tf.Rank.R2>('decoder_input_ids'),
      ...(inputs.has('decoder_attention_mask') && {
        decoderAttentionMask: inputs.tensor<tf.Rank.R2>('decoder_attention_mask'),
      }),
    };
  }
}

/**
 * Checks that the model has the names and shapes of the parameter table, from which all formats
 * take them.
 */
function checkTable(checks: Checks, plan: ModelPlan, model: AnyBart): void {
  const listed = table(plan).map(({ name, shape }) => `${name} [${shape}]`);
  const built = [...model.namedWeights()].map(([name, weight]) => `${name} [${weight.shape}]`);
  checks.equal('weights', 'names and shapes', built.sort(), listed.sort());
}

/**
 * Returns the mean cross-entropy over all places, as the originals' loss_fn does. logits: [B, T,
 * V]; labels: int32 [B, T].
 */
export function meanCrossEntropy(logits: tf.Tensor3D, labels: tf.Tensor): tf.Scalar {
  const [rows, length, vocabulary] = logits.shape;
  const flat = tf.reshape(logits, [rows * length, vocabulary]) as tf.Tensor2D;
  return tf.mean(sparseCrossEntropy(flat, tf.reshape(labels, [rows * length]) as tf.Tensor1D));
}

/** Reads the values of tensors and disposes the tensors. */
async function valuesOf(tensors: readonly tf.Tensor[]): Promise<Float32Array[]> {
  const values: Float32Array[] = [];
  for (const tensor of tensors) {
    values.push(Float32Array.from(await tensor.data()));
    tensor.dispose();
  }
  return values;
}
