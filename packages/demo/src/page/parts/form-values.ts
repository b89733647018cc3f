import type { GenerationSettings } from '@easel/draw';
import type { DrawerFacts, DrawingRequest } from '../drawing/drawer.js';

/** Largest seed: what fits into 32 bits. */
export const LARGEST_SEED = 2 ** 32 - 1;

/** Pictures that are drawn unless the reader says otherwise. */
const PICTURES = 9;

/** What the form holds, as it was typed. */
export interface FormValues {
  readonly prompt: string;
  /** Empty: a new seed each time. */
  readonly seed: string;
  readonly images: string;
  readonly conditionScale: string;
  readonly temperature: string;
  readonly topK: string;
  readonly topP: string;
}

/** The fields that are numbers. */
export type NumberName = Exclude<keyof FormValues, 'prompt'>;

/** A number that the form asks for. */
export interface NumberField {
  readonly name: NumberName;
  readonly label: string;
  /** What it does, in a line. */
  readonly meaning: string;
  readonly min: number;
  readonly max: number;
  readonly step: number | 'any';
}

/** The numbers of the form, in order. images: pictures of a request, at most. */
export function numberFields(images: number): readonly NumberField[] {
  return [
    {
      name: 'seed',
      label: 'Seed',
      meaning: 'The same seed draws the same pictures again. Empty: new ones each time.',
      ...{ min: 0, max: LARGEST_SEED, step: 1 },
    },
    {
      name: 'images',
      label: 'Pictures',
      meaning: 'How many are drawn together.',
      ...{ min: 1, max: Math.min(PICTURES, images), step: 1 },
    },
    {
      name: 'conditionScale',
      label: 'Guidance',
      meaning: 'Above 1 the prompt is followed more closely, with less variety.',
      ...{ min: 0, max: 100, step: 'any' },
    },
    {
      name: 'temperature',
      label: 'Temperature',
      meaning: 'Lower is tidier and more alike, higher is wilder.',
      ...{ min: 0.01, max: 100, step: 'any' },
    },
    {
      name: 'topK',
      label: 'Top-k',
      meaning: 'How many of the likeliest codes each choice is made from. 0: all.',
      ...{ min: 0, max: 1_000_000, step: 1 },
    },
    {
      name: 'topP',
      label: 'Top-p',
      meaning: 'Keeps the likeliest codes up to this sum of probabilities. 1: all.',
      ...{ min: 0, max: 1, step: 'any' },
    },
  ];
}

/** A form with the model's own settings. */
export function freshValues({ settings, images }: DrawerFacts, prompt = ''): FormValues {
  return { prompt, seed: '', images: String(Math.min(PICTURES, images)), ...settingValues(settings) };
}

type SettingName = keyof GenerationSettings;

function settingValues(settings: GenerationSettings): Readonly<Record<SettingName, string>> {
  const { conditionScale, temperature, topK, topP } = settings;
  return {
    conditionScale: String(conditionScale),
    temperature: String(temperature),
    topK: String(topK),
    topP: String(topP),
  };
}

/** A form that asks for a request again. */
export function valuesOf({ prompt, seed, images, settings }: DrawingRequest): FormValues {
  return { prompt, seed: String(seed), images: String(images), ...settingValues(settings) };
}

/** The number in a field; undefined if it is none that the field takes. */
export function numberIn(text: string, { min, max, step }: NumberField): number | undefined {
  const value = Number(text);
  const isNumber = text.trim() !== '' && Number.isFinite(value) && value >= min && value <= max;
  return isNumber && (step !== 1 || Number.isInteger(value)) ? value : undefined;
}

/** What is wrong with a field, in a sentence; undefined if nothing is. */
export function faultOf(text: string, field: NumberField): string | undefined {
  if (field.name === 'seed' && text.trim() === '') return undefined;
  if (numberIn(text, field) !== undefined) return undefined;
  const kind = field.step === 1 ? 'a whole number' : 'a number';
  return `${field.label}: expected ${kind} from ${field.min} to ${field.max.toLocaleString('en')}.`;
}

/**
 * The request of a form, or what is wrong with it. Without a seed there is a random one. `random`
 * returns a number from 0 to below 1.
 */
export function requestOf(
  values: FormValues,
  facts: DrawerFacts,
  random: () => number = Math.random,
): DrawingRequest | { readonly fault: string } {
  const prompt = values.prompt.trim();
  if (prompt === '') return { fault: 'Say what to draw first.' };
  const length = [...prompt].length;
  if (length > facts.promptLength)
    return { fault: `The prompt has ${length} characters; ${facts.promptLength} can be read at most.` };
  const numbers = new Map<NumberName, number>();
  for (const field of numberFields(facts.images)) {
    const fault = faultOf(values[field.name], field);
    if (fault !== undefined) return { fault };
    const value = numberIn(values[field.name], field);
    if (value !== undefined) numbers.set(field.name, value);
  }
  const numberOf = (name: NumberName) => numbers.get(name) as number;
  return {
    prompt,
    images: numberOf('images'),
    seed: numbers.get('seed') ?? Math.floor(random() * (LARGEST_SEED + 1)),
    settings: {
      conditionScale: numberOf('conditionScale'),
      temperature: numberOf('temperature'),
      topK: numberOf('topK'),
      topP: numberOf('topP'),
    },
  };
}
