import { ConfigError } from '@easel/core';
import { type Field, type Fields, list, optional, real, type Settings, section } from '@easel/core/config';

/** The weight of a source among several. */
export const sourceWeight = optional(real({ above: 0 }));

/** A source as settings give it: without a weight where none is given. */
export type WeightedSettings<F extends Fields> = Settings<Omit<F, 'weight'>> & { readonly weight?: number };

/**
 * Reads one source by its path, or by an object of `fields` with "path"; or a list of such. `what`
 * says what a path leads to.
 */
export function sourcesField<F extends Fields>(
  fields: F,
  what: string,
): Field<readonly WeightedSettings<F>[]> {
  const one: Field<WeightedSettings<F>> = (item, at) => {
    const { weight, ...rest } = section(fields)(typeof item === 'string' ? { path: item } : item, at);
    return { ...rest, ...(weight != null && { weight }) } as WeightedSettings<F>;
  };
  return (value, at) => {
    const single =
      (typeof value === 'string' && value !== '') || (typeof value === 'object' && value !== null);
    if (!single || (Array.isArray(value) && value.length === 0))
      throw new ConfigError(
        `${at}: expected the path of ${what}, an object with "path", or a list of such, ${value === undefined ? 'it is missing' : `got ${JSON.stringify(value)}`}.`,
      );
    return Array.isArray(value) ? list(one, [])(value, at) : [one(value, at)];
  };
}
