import { elementCount } from 'safetensors-ts';
import { GoldenArrays } from '../../golden.js';

/**
 * One variable of a run, as Easel's models have it: a recorded tensor, or one layer of a stacked
 * tensor.
 */
export interface RecordedParameter {
  readonly name: string;
  readonly source: string;
  readonly layer: number | undefined;
  readonly shape: readonly number[];
}

/** Flags of the trainer's command, under their own names, that differ from the defaults. */
export type TrainFlags = Readonly<Record<string, number | string | boolean | null>>;

/** A recorded run. */
export class RecordedRun {
  readonly arrays: GoldenArrays;
  /** Numbers of updates after which parameters and state are recorded. */
  readonly steps: readonly number[];
  /** Rate of each update. */
  readonly rates: readonly number[] | undefined;
  /** The flags, for a run of the trainer's optimizer. */
  readonly flags: TrainFlags | undefined;
  readonly overrides: TrainFlags;
  /** The call in Python, for a run of optax alone. */
  readonly call: string | undefined;
  readonly parameters: readonly RecordedParameter[];
  /** Formula over 997 numbers that gives gradients and start values, in place of recorded ones. */
  private readonly formula:
    | { readonly base: Float32Array; readonly shapes: [string, number[]][] }
    | undefined;

  constructor(file: string) {
    const arrays = new GoldenArrays(file);
    this.arrays = arrays;
    this.steps = arrays.setting<number[]>('steps') ?? [];
    this.rates = arrays.setting<number[]>('learning_rates');
    this.flags = arrays.setting<TrainFlags>('train_flags');
    this.overrides = arrays.setting<TrainFlags>('overrides') ?? {};
    this.call = arrays.setting<string>('call');
    const listed = arrays.setting<Record<string, number[]>>('parameters');
    this.formula =
      listed && arrays.has('base')
        ? { base: arrays.floats('base'), shapes: Object.entries(listed) }
        : undefined;
    const shapes: [string, number[]][] =
      this.formula?.shapes ??
      arrays.names
        .filter((name) => name.startsWith('params/'))
        .map((name) => [name.slice('params/'.length), arrays.shape(name).slice(1)]);
    this.parameters = shapes.flatMap(([source, shape]): RecordedParameter[] =>
      isStacked(source)
        ? Array.from({ length: shape[0] as number }, (_, layer) => ({
            ...{ name: `${source}.${layer}`, source, layer },
            shape: shape.slice(1),
          }))
        : [{ name: source, source, layer: undefined, shape }],
    );
  }

  get updates(): number {
    return this.steps.at(-1) ?? 0;
  }

  start(parameter: RecordedParameter): Float32Array {
    if (!this.formula) return this.recorded(`params/${parameter.source}`, 0, parameter.layer).values;
    return this.byFormula(parameter, (i, j) => Math.fround(0.3) * this.base(7 * i + 31 * j));
  }

  /** Returns a parameter's gradient at update `t`, from 0. */
  gradient(parameter: RecordedParameter, t: number): Float32Array {
    if (!this.formula) return this.recorded(`grads/${parameter.source}`, t, parameter.layer).values;
    return this.byFormula(parameter, (i, j) => this.base(11 * i + 13 * t + 17 * j));
  }

  /**
   * Returns the part of an array that belongs to one record, and to one layer if the array is
   * stacked.
   */
  recorded(
    name: string,
    record: number,
    layer: number | undefined,
  ): { shape: number[]; values: Float32Array } {
    const all = this.arrays.shape(name);
    const shape = all.slice(layer === undefined ? 1 : 2);
    const size = elementCount(shape);
    const layers = layer === undefined ? 1 : (all[1] as number);
    const begin = (record * layers + (layer ?? 0)) * size;
    const values =
      this.arrays.dtype(name) === 'I8' ? signedBytes(this.arrays, name) : this.arrays.floats(name);
    return { shape, values: values.slice(begin, begin + size) };
  }

  private base(i: number): number {
    const { base } = this.formula as { base: Float32Array };
    return base[i % base.length] as number;
  }

  private byFormula(
    { source, layer, shape }: RecordedParameter,
    value: (i: number, j: number) => number,
  ): Float32Array {
    const j = this.formula?.shapes.findIndex(([name]) => name === source) ?? 0;
    const size = elementCount(shape);
    return Float32Array.from({ length: size }, (_, i) => value((layer ?? 0) * size + i, j));
  }
}

/** Whether a parameter is stacked. The original's scanned layers are. */
function isStacked(source: string): boolean {
  return /FlaxBart(En|De)coderLayers/.test(source);
}

/**
 * Returns the group of a parameter. The original optimizes three groups separately: the scanned
 * encoder, the scanned decoder, and the rest.
 */
export function groupOf(name: string): string {
  if (name.includes('FlaxBartEncoderLayers')) return 'scanned_encoder';
  return name.includes('FlaxBartDecoderLayers') ? 'scanned_decoder' : 'standard';
}

function signedBytes(arrays: GoldenArrays, name: string): Float32Array {
  const { buffer, byteOffset, byteLength } = arrays.values(name);
  return Float32Array.from(new Int8Array(buffer as ArrayBuffer, byteOffset, byteLength));
}
