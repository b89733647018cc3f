import type { RowOptions } from '../src/row-options.js';
import type { GenerateInputs } from '../src/text-inputs.js';
import type { GoldenArrays } from './golden-case.js';

/** A call of the original's generate. */
export interface GoldenRun {
  name: string;
  do_sample?: boolean;
  key_seed?: number;
  rows?: number[];
  no_mask?: boolean;
  num_beams?: number;
  top_k?: number;
  top_p?: number;
  temperature?: number;
  condition_scale?: number;
  max_length?: number;
  min_length?: number;
  forced_bos_token_id?: number;
  forced_eos_token_id?: number;
  decoder_start_token_id?: number;
  eos_token_id?: number;
  pad_token_id?: number;
  early_stopping?: boolean;
  length_penalty?: number;
}

/** What a golden run says of its rows, with our additions to the original switched off. */
export function rowOptionsOf(run: GoldenRun): RowOptions {
  return withoutUndefined({
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

/** The entries that are there. */
export function withoutUndefined(entries: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}

/** The prompts of a golden run. */
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
    uncondInputIds: pick('input_ids_uncond'),
    uncondAttentionMask: pick('attention_mask_uncond'),
    rows: rows.length,
    length,
  };
}
