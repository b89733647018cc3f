import { short } from './checks.js';
import type { CaseResult } from './run.js';

const WORDS = { passed: 'pass', failed: 'FAIL', impossible: 'n/a ' } as const;

/** Returns the line of a case, and a line under it for each failure. */
export function caseLines(result: CaseResult): string[] {
  const groups = result.groups.map(({ group, absolute, relative, tolerance, compared, passed }) => {
    const measured =
      tolerance === 'equal'
        ? `${compared} equal`
        : `${short(absolute)} abs ${short(relative)} rel ${tolerance}`;
    return `${passed ? '' : '✗ '}${group} ${measured}`;
  });
  const reasons = new Set(
    result.groups.filter(({ tolerance }) => tolerance !== 'equal').map(({ reason }) => reason),
  );
  const line = [
    `${WORDS[result.outcome]} ${result.name}`,
    ...groups,
    ...(reasons.size > 0 ? [`(${[...reasons].join('; ')})`] : []),
  ].join(' | ');
  const failures = result.groups.flatMap(({ group, failures }) =>
    failures.map((text) => `${group}: ${text}`),
  );
  return [
    line,
    ...failures.map((text) => `       ${text}`),
    ...(result.reason === undefined ? [] : [`       ${result.reason}`]),
    ...result.leftOut.map((text) => `       left out: ${text}`),
  ];
}

/** Returns a row for each kind: cases, passed cases, and the worst error of each group. */
export function summaryLines(results: readonly CaseResult[]): string[] {
  const rows = [
    [
      ...['backend', 'kind', 'cases', 'passed', 'failed', 'n/a'],
      'worst |ours − original| of a group (largest part of its tolerance)',
    ],
  ];
  for (const [key, group] of byKind(results)) {
    const [backend, kind] = key.split('\n') as [string, string];
    const count = (outcome: CaseResult['outcome']): string =>
      `${group.filter((result) => result.outcome === outcome).length}`;
    rows.push([
      backend,
      kind,
      `${group.length}`,
      ...[count('passed'), count('failed'), count('impossible')],
      worstOfGroups(group)
        .map(({ group: name, compared, absolute, used, equal }) =>
          equal ? `${name} equal (${compared})` : `${name} ${short(absolute)} (${percent(used)})`,
        )
        .join(', '),
    ]);
  }
  const widths = (rows[0] as string[]).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(column === row.length - 1 ? 0 : (widths[column] as number)))
      .join('  '),
  );
}

/** The worst result of one group over cases. */
export interface WorstOfGroup {
  readonly group: string;
  compared: number;
  absolute: number;
  relative: number;
  /** Largest difference ÷ the tolerance of its array. */
  used: number;
  equal: boolean;
  /** Case and array of the largest absolute difference. */
  where: string;
}

/** Returns the worst result of each group over cases. */
export function worstOfGroups(results: readonly CaseResult[]): WorstOfGroup[] {
  const worst = new Map<string, WorstOfGroup>();
  for (const { groups, name } of results) {
    for (const { group, compared, absolute, relative, used, tolerance, worst: at } of groups) {
      const entry = worst.get(group) ?? {
        ...{ group, compared: 0, absolute: 0, relative: 0, used: 0, equal: true, where: '' },
      };
      entry.compared += compared;
      entry.relative = Math.max(entry.relative, relative);
      entry.used = Math.max(entry.used, used);
      if (absolute > entry.absolute || entry.where === '') entry.where = `${name} ${at}`;
      entry.absolute = Math.max(entry.absolute, absolute);
      entry.equal &&= tolerance === 'equal';
      worst.set(group, entry);
    }
  }
  return [...worst.values()];
}

/** Writes a part of a whole as "12 %". */
function percent(part: number): string {
  return `${(100 * part).toFixed(part < 0.1 ? 1 : 0)} %`;
}

export function byKind(results: readonly CaseResult[]): Map<string, CaseResult[]> {
  const kinds = new Map<string, CaseResult[]>();
  for (const result of results) {
    const key = `${result.backend}\n${result.kind}`;
    kinds.set(key, [...(kinds.get(key) ?? []), result]);
  }
  return kinds;
}
