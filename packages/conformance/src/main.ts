import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type BackendChoice, EaselError, selectBackend } from '@easel/core';
import { type FoundCase, findCases } from './find-cases.js';
import { caseLines, summaryLines } from './report.js';
import { type CaseResult, runCase } from './run.js';

const USAGE = `conformance DIR… [--backend NAME]… [--only PATTERN] [--json FILE]

Compares Easel with the recorded numbers of the original programs in the folders DIR and below: a line a case, then a table.
Relative errors are of the largest number of an array.

  --backend NAME   native, wasm, cpu, gpu, tensorflow or webgpu; may be given several times: those that do not
                   run here are named and left out [the first of native, wasm, cpu that runs]
  --only PATTERN   only cases whose name matches this regular expression
  --json FILE      writes the results to FILE as well

Exit code: 0 if all passed (what a backend cannot do is listed and does not count), 1 if not, 2 if it could not run.

  npm run conformance -- reference/golden --only bart/ --backend native --backend cpu`;

/** Runs the command. Returns its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        backend: { type: 'string', multiple: true },
        only: { type: 'string' },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      console.log(USAGE);
      return 0;
    }
    if (positionals.length === 0) throw new EaselError(`conformance: expected a folder.\n\n${USAGE}`);
    const only = new RegExp(values.only ?? '');
    const found: FoundCase[] = [];
    for (const directory of positionals) {
      found.push(...(await findCases(directory)).filter(({ name }) => only.test(name)));
    }
    if (found.length === 0) throw new EaselError(`conformance: no case matches --only ${values.only}.`);

    const results: CaseResult[] = [];
    const asked = values.backend ?? [undefined];
    for (const name of asked) {
      let backend: BackendChoice;
      try {
        backend = await selectBackend(name);
      } catch (error) {
        if (asked.length === 1 || !(error instanceof EaselError)) throw error;
        console.log(`n/a  backend ${name}: ${error.message}`); // of several, one that is not here
        continue;
      }
      process.stderr.write(`${backend.name}: ${backend.reason}; ${found.length} cases\n`);
      for (const each of found) {
        const result = await runCase(each);
        results.push(result);
        for (const line of caseLines(result)) console.log(line);
      }
    }
    for (const line of ['', ...summaryLines(results)]) console.log(line);
    const failed = results.filter(({ outcome }) => outcome === 'failed');
    console.log(
      failed.length === 0
        ? `\n${results.length} cases, none failed.`
        : `\n${failed.length} of ${results.length} cases failed: ${failed.map(({ name }) => name).join(', ')}`,
    );
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 1)}\n`);
    return failed.length === 0 ? 0 : 1;
  } catch (error) {
    const usage = error instanceof EaselError || error instanceof SyntaxError || isParseError(error);
    console.error(usage ? (error as Error).message : error);
    return 2;
  }
}

function isParseError(error: unknown): boolean {
  return `${(error as { code?: unknown }).code}`.startsWith('ERR_PARSE_ARGS');
}
