import { useEffect, useRef, useState } from 'preact/hooks';
import type { DrawerFacts } from '../drawing/drawer.js';
import type { FormValues } from './form-values.js';
import { SettingsPanel } from './settings-panel.js';

/** Examples shown at a time. */
const EXAMPLES = 6;

/** Properties of `PromptForm`. */
export interface PromptFormProps {
  readonly facts: DrawerFacts | undefined;
  readonly values: FormValues;
  readonly onValues: (values: FormValues) => void;
  readonly isDrawing: boolean;
  readonly onDraw: (values: FormValues) => void;
  readonly onCancel: () => void;
  readonly fault: string | undefined;
  /** The backends that the reader may choose between; none on a server. */
  readonly backends: readonly string[];
  readonly backend: string;
  readonly onBackend: (backend: string) => void;
}

/** Where the reader says what to draw. */
export function PromptForm(props: PromptFormProps) {
  const { facts, values, onValues, isDrawing, onDraw, onCancel, fault } = props;
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const types = /^(input|textarea|select)$/i.test(target.tagName) || target.closest('dialog') !== null;
      if (event.key !== '/' || types || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      field.current?.focus();
    };
    addEventListener('keydown', focus);
    return () => removeEventListener('keydown', focus);
  }, []);
  return (
    <form
      class="brief"
      aria-label="What to draw"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isDrawing) onDraw(values);
      }}
    >
      <label class="brief-label" for="prompt">
        Draw me
      </label>
      <textarea
        id="prompt"
        ref={field}
        class="prompt"
        rows={1}
        placeholder={facts?.examples[0] ?? 'a red heart'}
        value={values.prompt}
        maxLength={facts === undefined ? undefined : facts.promptLength * 2}
        spellcheck={false}
        autocomplete="off"
        aria-describedby={fault === undefined ? undefined : 'fault'}
        aria-invalid={fault !== undefined}
        onInput={({ currentTarget }) => onValues({ ...values, prompt: currentTarget.value })}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          event.currentTarget.form?.requestSubmit();
        }}
      />
      <Examples
        examples={facts?.examples ?? []}
        isDrawing={isDrawing}
        onExample={(prompt) => {
          const next = { ...values, prompt };
          onValues(next);
          onDraw(next);
        }}
      />
      {fault !== undefined && (
        <p class="fault" id="fault" role="alert">
          {fault}
        </p>
      )}
      <div class="actions">
        {isDrawing ? (
          <button key="cancel" type="button" class="button" onClick={onCancel}>
            Cancel
          </button>
        ) : (
          <button key="draw" type="submit" class="button button-main" disabled={facts === undefined}>
            Draw
          </button>
        )}
      </div>
      {facts !== undefined && (
        <SettingsPanel
          facts={facts}
          values={values}
          onValues={onValues}
          backends={props.backends}
          backend={props.backend}
          onBackend={props.onBackend}
        />
      )}
    </form>
  );
}

function Examples({
  examples,
  isDrawing,
  onExample,
}: {
  readonly examples: readonly string[];
  readonly isDrawing: boolean;
  readonly onExample: (prompt: string) => void;
}) {
  const [from, setFrom] = useState(0);
  if (examples.length === 0) return null;
  const shown = Array.from(
    { length: Math.min(EXAMPLES, examples.length) },
    (_, i) => examples[(from + i) % examples.length] as string,
  );
  return (
    <div class="examples">
      <span>Or try</span>
      <ul>
        {shown.map((prompt) => (
          <li key={prompt}>
            <button type="button" class="word" disabled={isDrawing} onClick={() => onExample(prompt)}>
              {prompt}
            </button>
          </li>
        ))}
      </ul>
      {examples.length > EXAMPLES && (
        <button
          type="button"
          class="word word-quiet"
          onClick={() => setFrom((from + EXAMPLES) % examples.length)}
        >
          others
        </button>
      )}
    </div>
  );
}
