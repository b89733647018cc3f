import type { GenerateInputs, GenerateOptions, RowOptions } from '@easel/bart';
import { prngKey } from '@easel/core';
import type { GoldenArrays } from '../../golden.js';

/** A call of the original's generate, with the arguments under their own names. */
export interface GoldenRun {
  readonly name: string;
  readonly do_sample?: boolean;
  readonly key_seed?: number;
  readonly rows?: readonly number[];
  readonly no_mask?: boolean;
  readonly num_beams?: number;
  readonly top_k?: number;
  readonly top_p?: number;
  readonly temperature?: number;
  readonly condition_scale?: number;
  readonly max_length?: number;
  readonly min_length?: number;
  readonly forced_bos_token_id?: number;
  readonly forced_eos_token_id?: number;
  readonly decoder_start_token_id?: number;
  readonly eos_token_id?: number;
  readonly pad_token_id?: number;
  readonly early_stopping?: boolean;
  readonly length_penalty?: number;
}

/**
 * Returns a run's options for its rows. Our additions to the original are switched off: ids without
 * a code may be drawn, and no least length comes from the config.
 */
export function rowOptionsOf(run: Omit<GoldenRun, 'name'>): RowOptions {
  return given({
    maxLength: run.max_length,
    minLength: run.min_length ?? 0,
    forcedBosTokenId: run.forced_bos_token_id,
    forcedEosTokenId: run.forced_eos_token_id,
    decoderStartTokenId: run.decoder_start_token_id,
    eosTokenId: run.eos_token_id,
    padTokenId: run.pad_token_id,
    idsBelow: Number.POSITIVE_INFINITY,
  });
}

export function samplingOptionsOf(run: Omit<GoldenRun, 'name'>): GenerateOptions {
  return {
    ...rowOptionsOf(run),
    ...given({
      key: run.key_seed === undefined ? undefined : prngKey(run.key_seed),
      greedy: run.do_sample === undefined ? undefined : !run.do_sample,
      topK: run.top_k,
      topP: run.top_p,
      temperature: run.temperature,
      conditionScale: run.condition_scale,
    }),
  };
}

/** Returns the entries that have a value. */
export function given(entries: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}

/** Returns the prompts of a run, with the rows of "no prompt". */
export function inputsOf(io: GoldenArrays, run: Pick<GoldenRun, 'rows' | 'no_mask'>): GenerateInputs {
  const [all, length] = io.shape('input_ids') as [number, number];
  const rows = run.rows ?? Array.from({ length: all }, (_, i) => i);
  const pick = (name: string): Int32Array => {
    const values = io.ints(name);
    return Int32Array.from(rows.flatMap((row) => [...values.subarray(row * length, (row + 1) * length)]));
  };
  const attentionMask = pick('attention_mask');
  return {
    inputIds: pick('input_ids'),
    attentionMask: run.no_mask ? attentionMask.fill(1) : attentionMask,
    ...(io.has('input_ids_uncond') && {
      uncondInputIds: pick('input_ids_uncond'),
      uncondAttentionMask: pick('attention_mask_uncond'),
    }),
    rows: rows.length,
    length,
  };
}
