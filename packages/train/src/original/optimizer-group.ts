import type { DalleBart } from '@easel/bart';

/**
 * The group of a weight in the original's optimizers: layers that its checkpoint stacks are apart
 * from the rest. Source: dalle-mini `train.py`, split_params.
 */
export function optimizerGroup({ config }: DalleBart): (name: string) => string {
  return (name) => {
    const [stack, part] = name.split('.');
    return config.useScan && part === 'layers' ? `scanned_${stack}` : 'standard';
  };
}
