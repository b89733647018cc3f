import {
  argmax,
  forcedToken,
  type LogitsRule,
  minLength,
  temperature,
  topK,
  topP,
} from '@easel/bart/internals';
import type { Checks, Tolerance } from '../../checks.js';
import { readJson } from '../../golden.js';
import type { Case } from '../../kind.js';

type Score = number | 'inf' | '-inf';

interface RuleCall {
  readonly input: string;
  readonly op: string;
  readonly value: number;
  readonly cur_len?: number;
  readonly max_length?: number;
  readonly eos?: number;
  readonly scores: readonly (readonly Score[])[];
  readonly result: readonly (readonly Score[])[] | readonly number[];
}

const RULES: Readonly<Record<string, (call: RuleCall) => LogitsRule>> = {
  top_k: ({ value }) => topK(value),
  top_p: ({ value }) => topP(value),
  temperature: ({ value }) => temperature(value),
  min_length: ({ value, eos = 0 }) => minLength(value, eos),
  forced_bos: ({ value }) => forcedToken(value, 1),
  forced_eos: ({ value, max_length: longest = 0 }) => forcedToken(value, longest - 1),
};

const EXACT: Tolerance = { absolute: 0, reason: 'rules keep numbers or put −∞' };
const DIVISION: Tolerance = {
  relative: 1.2e-7,
  reason: 'XLA divides by multiplying with a reciprocal: 1 ulp',
};

/**
 * `warpers.json`: the rules alone, on rows with equal numbers, infinities and zeros of both signs.
 */
export function rulesCases(file: string): Case[] {
  const calls = readJson<RuleCall[]>(file);
  return [...new Set(calls.map(({ op }) => op))].map((op) => ({
    name: `rule ${op}`,
    run(checks: Checks) {
      for (const call of calls) if (call.op === op) checkCall(checks, call);
    },
  }));
}

function checkCall(checks: Checks, call: RuleCall): void {
  const rows = call.scores.map(numbers);
  const name = `${call.input}, ${call.op} ${call.value ?? ''}`;
  if (call.op === 'argmax') {
    checks.equal('ids', name, rows.map(argmax), call.result);
    return;
  }
  if (call.op === 'top_k_indices') {
    // The k ids that top-k keeps, the highest logit first; of equal logits the lower id first.
    const kept = (call.result as unknown as number[][]).map((ids) => [...ids].sort((a, b) => a - b));
    const ours = rows.map((row, i) => {
      const after = topK((kept[i] as number[]).length)(row, 1);
      return [...row.keys()].filter(
        (id) => Object.is(after[id], row[id]) && row[id] !== Number.NEGATIVE_INFINITY,
      );
    });
    const finite = kept.map((ids, i) => ids.filter((id) => rows[i]?.[id] !== Number.NEGATIVE_INFINITY));
    checks.equal('ids', name, ours, finite);
    return;
  }
  const make = RULES[call.op];
  if (!make) throw new Error(`no rule of ours for ${call.op}`);
  const rule = make(call);
  for (const [i, row] of rows.entries()) {
    const expected = numbers(call.result[i] as readonly Score[]);
    const got = rule(row, call.cur_len ?? 1);
    checks.close(
      'ruled logits',
      `${name}, row ${i}`,
      got,
      expected,
      call.op === 'temperature' ? DIVISION : EXACT,
    );
  }
}

function numbers(scores: readonly Score[]): Float32Array {
  return Float32Array.from(scores, (score) =>
    score === 'inf' ? Number.POSITIVE_INFINITY : score === '-inf' ? Number.NEGATIVE_INFINITY : score,
  );
}
