import { KERNELS } from './kernels.js';
import type { KernelSpecification, TensorSpecification } from './specification.js';

/** The contract as the table of a README: one row a kernel, columns padded to one width. */
export function readmeTable(): string {
  const rows = Object.entries<KernelSpecification>(KERNELS).map(([name, kernel]) => [
    name,
    kernel.computes,
    Object.entries(kernel.inputs).map(described).join(', '),
    Object.entries(kernel.attributes)
      .map(
        ([attribute, { optional, letter }]) => `${attribute}${mark(optional)}${letter ? ` (${letter})` : ''}`,
      )
      .join(', '),
    outputsOf(kernel),
  ]);
  const table = [['kernel', 'computes', 'inputs', 'attributes', 'outputs'], ...rows].map((row) =>
    row.map((cell) => cell.replaceAll('|', '\\|')),
  );
  const widths = (table[0] as string[]).map((_, column) =>
    Math.max(...table.map((row) => (row[column] as string).length)),
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] as number)).join(' | ')} |`;
  const [head, ...body] = table as [string[], ...string[][]];
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

const mark = (optional: boolean) => (optional ? '?' : '');

function described([name, { dtype, shape, optional }]: [string, TensorSpecification]): string {
  const type = dtype === 'float32' ? '' : ` ${dtype}`;
  // A star would be formatted as emphasis.
  return `${name}${mark(optional)}${type} [${shape.replaceAll('*', 'any')}]`;
}

function outputsOf({ outputs, changes }: KernelSpecification): string {
  const given = outputs.map((output) => described([output.name, output])).join(', ');
  const changed = changes.length === 0 ? '' : `in place: ${changes.join(', ')}`;
  return [given, changed].filter((part) => part !== '').join('; ');
}
