import { text } from '@easel/core/config';
import { sourcesField, sourceWeight } from './sources-field.js';

/** An encoded set, with its weight beside others. */
export interface SetSettings {
  readonly path: string;
  readonly weight?: number;
}

/**
 * Encoded sets to train on. Of several, rows come from each in proportion to its weight; without
 * weights each row comes as often as any other.
 */
export const trainingSets = sourcesField({ path: text(), weight: sourceWeight }, 'an encoded set');

/** Encoded sets to evaluate with. Each row counts once, so there are no weights. */
export const evaluationSets = sourcesField({ path: text() }, 'an encoded set');
