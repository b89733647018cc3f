import { short } from './checks.js';
import { byKind, worstOfGroups } from './report.js';
import type { CaseResult } from './run.js';

/** A description of each kind, in the order of the page. */
const SUBJECTS: readonly (readonly [kind: string, subject: string])[] = [
  [
    'bart',
    'Text model, both versions: hidden states, logits, cached steps, loss, gradients, fresh weights, dropout, refused configs',
  ],
  ['full_size_parameters', 'Names and shapes of every parameter of the published models'],
  [
    'generation',
    'Drawing tokens: greedy, sampling, super conditioning, beams, keys of a seed, min-dalle’s rule',
  ],
  [
    'vqgan',
    'VQGAN: latents, tokens, pixels, output of every module, gradients, quantizers, both naming schemes',
  ],
  ['vqgan_loss', 'LPIPS, discriminators, adversarial losses, whole training steps'],
  ['clip', 'CLIP: both towers, scores, image processor'],
  ['image', 'Preparation of pictures: resize, crop, bytes'],
  ['random', 'jax.random, both streams'],
  ['tokenizer', 'Ids of text and text of ids'],
  ['processor', 'Prompts to ids, with the row of “no prompt”'],
  ['normalizer', 'Text normalizer, step by step'],
  ['schedules', 'Learning rates'],
  ['optimizers', 'Updates of Adam, Adafactor and Distributed Shampoo: parameters and state'],
  ['data', 'Order and content of batches'],
  ['train', 'Whole training runs'],
  ['partitions', 'Parameters to mesh axes'],
  ['safetensors', 'Files of the reference package, and its bytes'],
];

/** Intended differences from the originals. */
const BY_INTENTION: readonly string[] = [
  'Ids without a code (the start token and padding rows of the vocabulary) are never drawn. The originals can draw them. `idsBelow: Infinity` and `easel generate --all-ids` do the same; such a picture is black.',
  '`min_length` of config.json holds when tokens are drawn. The original reads it only as an argument.',
  'Easel refuses configs when they are read if the original accepts them and crashes later. Where the original crashes by a slip of its code (a post-norm decoder, scanned position biases, cached position biases), Easel does what was intended.',
  'Easel refuses ids and lengths that no table has. The original goes on with NaN. A text whose mask is all 0 gives finite numbers in Easel and NaN in the original.',
  'Beam search works with stacked layers. The original’s fails with them. Taking the likeliest token also works under super conditioning.',
  'Easel computes in float32. The original’s bfloat16 and float16 runs are compared with these numbers, within the error of rounding every step to their type.',
  '`attention_dropout` is read and has no effect, as in the original.',
  'Tokenizers know letters, numbers and marks by the tables of tokenizers 0.13.3 (Unicode 14, marks of Unicode 9) on every JavaScript engine. Newer releases of tokenizers also treat younger characters as letters.',
  'min-dalle’s rule starts from the model’s own start token. min-dalle starts from 16383, with which it fills its buffer.',
];

/**
 * Makes docs/parity.md from the results of one run on one or more backends. It gives the first
 * backend's errors in full.
 */
export function parityPage(results: readonly CaseResult[], command: string): string {
  const backends = [...new Set(results.map(({ backend }) => backend))];
  const [main = ''] = backends;
  return [
    '# Parity',
    `This page compares Easel’s numbers with those of the original programs. \`${command}\` makes it from recorded runs of the originals (\`reference/golden\`, whose READMEs name programs and versions). Do not edit it.`,
    'An absolute error is the largest |ours − original|. A relative error is the absolute error ÷ the largest |number| of its array. “Equal” means that every id, bit, byte or letter is equal. `npm run conformance` prints each tolerance with its reason.',
    '## Cases',
    casesTable(results, backends),
    cannotList(results),
    `## Worst errors on ${main}`,
    ...SUBJECTS.flatMap(([kind, subject]) => errorsTable(results, main, kind, subject)),
    '## Known differences',
    'Intended:',
    BY_INTENTION.map((line) => `- ${line}`).join('\n'),
    'Found in the recorded cases, and not compared:',
    leftOutList(results, main),
    '',
  ]
    .filter((part) => part !== undefined)
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

function casesTable(results: readonly CaseResult[], backends: readonly string[]): string {
  const kinds = byKind(results);
  const rows = SUBJECTS.flatMap(([kind, subject]) => {
    const cells = backends.map((backend) => {
      const cases = kinds.get(`${backend}\n${kind}`) ?? [];
      if (cases.length === 0) return '–';
      const count = (outcome: CaseResult['outcome']): number =>
        cases.filter((result) => result.outcome === outcome).length;
      const [failed, impossible] = [count('failed'), count('impossible')];
      return [
        `${count('passed')} of ${cases.length}`,
        ...(failed > 0 ? [`**${failed} failed**`] : []),
        ...(impossible > 0 ? [`${impossible} not run`] : []),
      ].join(', ');
    });
    return cells.every((cell) => cell === '–') ? [] : [[subject, `\`${kind}\``, ...cells]];
  });
  return table(['', 'kind', ...backends], rows);
}

/** Lists the cases that backends cannot run, by reason. */
function cannotList(results: readonly CaseResult[]): string | undefined {
  const reasons = new Map<string, string[]>();
  for (const { outcome, reason, backend, name } of results) {
    if (outcome !== 'impossible' || reason === undefined) continue;
    const key = `${backend}: ${reason}`;
    reasons.set(key, [...(reasons.get(key) ?? []), name]);
  }
  if (reasons.size === 0) return undefined;
  const lines = [...reasons].map(([reason, names]) => `- ${reason} (${names.length} cases)`);
  return ['Not run, because a backend cannot:', '', ...lines].join('\n');
}

function errorsTable(
  results: readonly CaseResult[],
  backend: string,
  kind: string,
  subject: string,
): string[] {
  const cases = results.filter((result) => result.backend === backend && result.kind === kind);
  const groups = worstOfGroups(cases);
  if (groups.length === 0) return [];
  const rows = groups.map(({ group, compared, absolute, relative, equal, where }) => [
    group,
    `${compared}`,
    ...(equal ? ['equal', '', ''] : [short(absolute), short(relative), `\`${where}\``]),
  ]);
  return [
    `### \`${kind}\``,
    `${subject}.`,
    table(['results', 'compared', 'absolute', 'relative', 'where'], rows),
  ];
}

/** Lists the parts that were left out, by reason. */
function leftOutList(results: readonly CaseResult[], backend: string): string {
  const reasons = new Map<string, number>();
  for (const result of results) {
    if (result.backend !== backend) continue;
    for (const line of result.leftOut) {
      const reason = line.slice(line.lastIndexOf(': ') + 2);
      const key = `\`${result.kind}\`: ${reason}`;
      reasons.set(key, (reasons.get(key) ?? 0) + 1);
    }
  }
  return [...reasons]
    .map(([reason, count]) => `- ${reason}${count > 1 ? ` (${count} times)` : ''}`)
    .join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
