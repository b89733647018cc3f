import type { DrawerFacts } from '../drawing/drawer.js';
import { type FormValues, faultOf, freshValues, numberFields } from './form-values.js';

/** What is said of each backend. */
const BACKENDS: Readonly<Record<string, string>> = {
  wasm: 'WebAssembly, on the processor',
  webgpu: 'WebGPU, on the graphics card',
};

/** Properties of `SettingsPanel`. */
export interface SettingsPanelProps {
  readonly facts: DrawerFacts;
  readonly values: FormValues;
  readonly onValues: (values: FormValues) => void;
  readonly backends: readonly string[];
  readonly backend: string;
  readonly onBackend: (backend: string) => void;
}

/** The settings of a drawing, each with what it does. */
export function SettingsPanel({ facts, values, onValues, backends, backend, onBackend }: SettingsPanelProps) {
  const { prompt, ...own } = freshValues(facts);
  const isOwn = Object.entries(own).every(([name, value]) => values[name as keyof FormValues] === value);
  return (
    <details class="settings">
      <summary>
        Settings<span class="settings-note">{isOwn ? "the model's own" : 'changed'}</span>
      </summary>
      <div class="fields">
        {numberFields(facts.images).map((field) => {
          const { name, label, meaning } = field;
          const fault = faultOf(values[name], field);
          return (
            <div class="field" key={name}>
              <label for={name}>{label}</label>
              <input
                id={name}
                inputMode={field.step === 1 ? 'numeric' : 'decimal'}
                autocomplete="off"
                value={values[name]}
                placeholder={name === 'seed' ? 'random' : ''}
                aria-describedby={`${name}-meaning`}
                aria-invalid={fault !== undefined}
                onInput={({ currentTarget }) => onValues({ ...values, [name]: currentTarget.value })}
              />
              <p id={`${name}-meaning`}>{fault ?? meaning}</p>
            </div>
          );
        })}
        {backends.length > 0 && (
          <div class="field">
            <label for="backend">Runs on</label>
            <select
              id="backend"
              value={backend}
              onChange={({ currentTarget }) => onBackend(currentTarget.value)}
            >
              {backends.map((name) => (
                <option key={name} value={name}>
                  {BACKENDS[name] ?? name}
                </option>
              ))}
            </select>
            <p>WebAssembly draws the very pictures of the command line.</p>
          </div>
        )}
      </div>
      <button
        type="button"
        class="word"
        disabled={isOwn}
        onClick={() => onValues({ ...own, prompt: values.prompt })}
      >
        Back to the model's own
      </button>
    </details>
  );
}
