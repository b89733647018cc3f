import { ConfigError, nearest } from '../errors.js';

/** Takes settings out of a config.json one by one, and knows afterwards which ones nobody asked for. */
export class SettingsReader {
  private readonly asked = new Set<string>();
  private readonly settings: ReadonlyMap<string, unknown>;
  private readonly file: string;

  constructor(settings: ReadonlyMap<string, unknown>, file: string) {
    this.settings = settings;
    this.file = file;
  }

  flag(key: string, standard: boolean): boolean {
    const value = this.value(key, standard);
    return typeof value === 'boolean' ? value : this.fail(key, 'true or false', value);
  }

  /** A whole number of at least `least`. */
  count(key: string, standard: number, least = 1): number {
    const value = this.value(key, standard);
    const good = typeof value === 'number' && Number.isSafeInteger(value) && value >= least;
    return good ? value : this.fail(key, `a whole number of at least ${least}`, value);
  }

  /** A whole number of at least 0, or null where the file says none. */
  optionalCount(key: string): number | null {
    const value = this.value(key, null);
    return value === null ? null : this.count(key, 0, 0);
  }

  number(key: string, standard: number): number {
    const value = this.value(key, standard);
    return typeof value === 'number' && Number.isFinite(value) ? value : this.fail(key, 'a number', value);
  }

  positive(key: string, standard: number): number {
    const value = this.value(key, standard);
    const good = typeof value === 'number' && Number.isFinite(value) && value > 0;
    return good ? value : this.fail(key, 'a number above 0', value);
  }

  /** A share from 0 to below 1. */
  rate(key: string, standard: number): number {
    const value = this.value(key, standard);
    const good = typeof value === 'number' && value >= 0 && value < 1;
    return good ? value : this.fail(key, 'a number from 0 to below 1', value);
  }

  text(key: string, standard: string): string {
    const value = this.value(key, standard);
    return typeof value === 'string' ? value : this.fail(key, 'a string', value);
  }

  choice(key: string, names: readonly string[], standard: string): string {
    const value = this.value(key, standard);
    if (typeof value === 'string' && names.includes(value)) return value;
    const guess = typeof value === 'string' ? nearest(value, names) : undefined;
    const hint = guess === undefined ? '' : `Did you mean ${JSON.stringify(guess)}?`;
    return this.fail(key, `one of ${names.join(', ')}`, value, hint);
  }

  /** Refuses a setting that the model has but that can have one value only. */
  only(key: string, required: boolean | number, why: string): void {
    const value = this.value(key, required);
    if (value !== required) this.fail(key, String(required), value, why);
  }

  /** Throws ConfigError for a setting that nobody asked for and that is not in `ignored`. */
  refuseUnknown(ignored: ReadonlySet<string>): void {
    const known = [...this.asked];
    for (const key of this.settings.keys()) {
      if (this.asked.has(key) || ignored.has(key)) continue;
      const guess = nearest(key, known);
      const hint = guess === undefined ? '' : ` Did you mean ${guess}?`;
      throw new ConfigError(`${this.file}: unknown setting ${key}.${hint}`);
    }
  }

  fail(key: string, expected: string, found: unknown, hint = ''): never {
    throw new ConfigError(
      `${this.file}: expected ${key} to be ${expected}, got ${showValue(found)}.${hint && ` ${hint}`}`,
    );
  }

  private value(key: string, standard: unknown): unknown {
    this.asked.add(key);
    return this.settings.get(key) ?? standard; // null means "not set" in transformers' files
  }
}

/** A config.json's content. Throws ConfigError unless it is an object. */
export function settingsObject(json: unknown, file: string): object {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json;
  throw new ConfigError(`${file}: expected an object of settings, got ${showValue(json)}.`);
}

/** camelCase → snake_case. */
export function snakeCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A value as an error message shows it. */
export function showValue(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
