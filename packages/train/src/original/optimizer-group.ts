import type { DalleBart } from '@easel/bart';

/**
 * Returns a function from a weight's name to its group in the original's optimizers. Layers that
 * the original's checkpoint stacks have groups of their own. Source: dalle-mini `train.py`,
 * split_params.
 */
export function optimizerGroup({ config }: DalleBart): (name: string) => string {
  return (name) => {
    const [stack, part] = name.split('.');
    return config.useScan && part === 'layers' ? `scanned_${stack}` : 'standard';
  };
}
