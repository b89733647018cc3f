import { readPictureOrigin } from '@easel/draw';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { DrawerFacts } from './drawing/drawer.js';
import { finishedOf, type Progress } from './drawing/progress.js';
import { announcement, hintTexts, statusText } from './drawing/status-text.js';
import { type Opening, useDrawer } from './drawing/use-drawer.js';
import { useDrawing } from './drawing/use-drawing.js';
import { type Drawing, History } from './history/history.js';
import { DroppedPicture } from './parts/dropped-picture.js';
import { Earlier } from './parts/earlier.js';
import { type FormValues, freshValues, LARGEST_SEED, requestOf, valuesOf } from './parts/form-values.js';
import { KeyForm } from './parts/key-form.js';
import { PromptForm } from './parts/prompt-form.js';
import { Viewer } from './parts/viewer.js';
import { Wall } from './parts/wall.js';

const NO_VALUES: FormValues = {
  ...{ prompt: '', seed: '', images: '9', conditionScale: '', temperature: '', topK: '', topP: '' },
};

/** Frames that hang on the wall before anything is drawn. */
const FRAMES = 9;

/** The page. */
export function App() {
  const choice = useDrawer();
  const { opening } = choice;
  const drawer = opening.state === 'open' ? opening.drawer : undefined;
  const facts = drawer?.facts;
  const history = useHistory();
  const { progress, isDrawing, start, cancel, show } = useDrawing(drawer, history.add);
  const [values, setValues] = useState<FormValues>(NO_VALUES);
  const [fault, setFault] = useState<string>();
  const [notice, setNotice] = useState<string>();
  const [viewed, setViewed] = useState<number>();
  const known = useRef<string>(undefined);

  // A model's own settings fill the form once, and again where another model came.
  useEffect(() => {
    if (facts === undefined || known.current === facts.model) return;
    known.current = facts.model;
    setValues((now) => freshValues(facts, now.prompt));
  }, [facts]);

  const change = useCallback((next: FormValues) => {
    setFault(undefined);
    setValues(next);
  }, []);
  const draw = (asked: FormValues, model: DrawerFacts | undefined = facts) => {
    if (model === undefined) return;
    const request = requestOf(asked, model);
    setNotice(undefined);
    setFault('fault' in request ? request.fault : undefined);
    if (!('fault' in request)) start(request);
  };
  const restore = useCallback(
    async (file: File) => {
      try {
        const origin = readPictureOrigin(new Uint8Array(await file.arrayBuffer()), file.name);
        const { prompt, seed, index, settings, model } = origin;
        setFault(undefined);
        setValues((now) => {
          const own = facts === undefined ? now : freshValues(facts, prompt);
          const given = Object.entries(settings).map(([name, value]) => [name, String(value)]);
          const images = String(
            Math.max(Number(own.images), Math.min(index + 1, facts?.images ?? index + 1)),
          );
          return { ...own, ...Object.fromEntries(given), prompt, seed: String(seed), images };
        });
        const other =
          facts === undefined || model === facts.model
            ? ''
            : ` It was drawn by the model ${model}; here draws ${facts.model}.`;
        setNotice(
          `Restored the prompt, seed and settings of ${file.name}, picture ${index + 1} of its seed.${other}`,
        );
      } catch (error) {
        setNotice(error instanceof Error ? error.message : String(error));
      }
    },
    [facts],
  );

  useEffect(() => {
    const onEscape = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && document.querySelector('dialog[open]') === null) cancel();
    };
    addEventListener('keydown', onEscape);
    return () => removeEventListener('keydown', onEscape);
  }, [cancel]);

  const shown = progress === undefined ? undefined : drawingOf(progress);
  return (
    <>
      <header class="masthead">
        <h1>
          <Mark />
          Easel
        </h1>
        <DroppedPicture onPicture={(file) => void restore(file)} />
      </header>
      <main class="studio">
        <div class="desk">
          {opening.state === 'key' ? (
            <KeyForm message={opening.message} onKey={choice.giveKey} />
          ) : (
            <PromptForm
              facts={facts}
              values={values}
              onValues={change}
              isDrawing={isDrawing}
              onDraw={draw}
              onCancel={cancel}
              fault={fault}
              backends={choice.backends}
              backend={choice.backend}
              onBackend={choice.setBackend}
            />
          )}
        </div>
        <section class="gallery" aria-label="Drawing">
          <Wall progress={progress} frames={Math.min(FRAMES, facts?.images ?? FRAMES)} onOpen={setViewed} />
          <Placard opening={opening} progress={progress} notice={notice} onRetry={choice.retry} />
        </section>
      </main>
      <Earlier
        drawings={history.drawings}
        onShow={(drawing) => {
          cancel();
          show(drawing);
          setNotice(undefined);
          if (facts !== undefined) setValues(valuesOf(drawing.request));
          scrollTo({ top: 0, behavior: 'smooth' });
        }}
        onDelete={(drawing) => void history.delete(drawing.id)}
        onClear={() => void history.clear()}
      />
      <footer class="foot">
        {facts !== undefined && (
          <p>
            <strong>{facts.model}</strong> draws {facts.width} × {facts.height} pixels{' '}
            {drawer?.isLocal ? 'in this browser' : 'on the server'}, on {facts.backend.name}:{' '}
            {facts.backend.reason}.
          </p>
        )}
        <p>
          <a href="licences.txt">Licences</a>
        </p>
      </footer>
      {viewed !== undefined && shown !== undefined && (
        <Viewer
          drawing={shown}
          index={viewed}
          onIndex={setViewed}
          onClose={() => setViewed(undefined)}
          onVary={() => {
            setViewed(undefined);
            const { request } = shown;
            const next = { ...request, seed: request.seed === LARGEST_SEED ? 0 : request.seed + 1 };
            setValues(valuesOf(next));
            start(next);
          }}
        />
      )}
    </>
  );
}

function drawingOf(progress: Progress): Drawing {
  const { id, time, model, request } = progress;
  return { id, time, model, request, pictures: finishedOf(progress) };
}

/** What the label beside the pictures says. */
function Placard({
  opening,
  progress,
  notice,
  onRetry,
}: {
  readonly opening: Opening;
  readonly progress: Progress | undefined;
  readonly notice: string | undefined;
  readonly onRetry: () => void;
}) {
  const isBusy = progress?.phase === 'waiting' || progress?.phase === 'drawing';
  const hints = hintTexts(progress?.hints);
  return (
    <div class="placard">
      <Bar opening={opening} progress={progress} />
      {notice !== undefined && (
        <p class="note" role="status">
          {notice}
        </p>
      )}
      {opening.state === 'failed' && (
        <p class="fault" role="alert">
          {opening.message}{' '}
          <button type="button" class="word" onClick={onRetry}>
            Try again
          </button>
        </p>
      )}
      {progress !== undefined && (
        <div class="placard-text">
          <p class="title">{progress.request.prompt}</p>
          <p class="note" data-failed={progress.phase === 'failed'}>
            {statusText(progress, Date.now())} {!isBusy && `Seed ${progress.request.seed}.`}
          </p>
          {hints.map((hint) => (
            <p class="note hint" key={hint}>
              {hint}
            </p>
          ))}
        </div>
      )}
      <p class="unseen" role="status">
        {progress === undefined ? '' : announcement(progress)}
      </p>
    </div>
  );
}

const MEGABYTE = 1e6;

/** How far the model's loading is, or the drawing. */
function Bar({ opening, progress }: { readonly opening: Opening; readonly progress: Progress | undefined }) {
  if (opening.state === 'opening') return <p class="note">Opening the model.</p>;
  if (opening.state === 'loading') {
    const { done, total } = opening;
    const [there, all] = [done, total].map((bytes) => (bytes / MEGABYTE).toFixed(1));
    return (
      <div class="loading">
        <p class="note" id="loading">
          {done < total
            ? `Fetching the model, ${there} of ${all} MB. The browser keeps it for the next time.`
            : 'Opening the model.'}
        </p>
        <progress aria-labelledby="loading" max={total} value={done} />
      </div>
    );
  }
  if (progress === undefined) return null;
  const { phase, done, total } = progress;
  if (phase === 'waiting') return <progress aria-label="Drawing" />;
  if (phase === 'drawing') return <progress aria-label="Drawing" max={total} value={done} />;
  return null;
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M12 2v3M7.500 21 10 14m6.500 7L14 14M4 14.500h16" />
      <rect x="5.500" y="5" width="13" height="9.500" rx="0.800" />
    </svg>
  );
}

/** The drawings that this browser keeps; none where it keeps nothing. */
function useHistory() {
  const store = useRef<Promise<History | undefined>>(undefined);
  const [drawings, setDrawings] = useState<readonly Drawing[]>([]);
  const change = useCallback(async (work: (history: History) => Promise<unknown>) => {
    store.current ??= History.open().catch(() => undefined); // a private window may keep nothing
    const history = await store.current;
    if (history === undefined) return;
    await work(history);
    setDrawings(await history.list());
  }, []);
  useEffect(() => void change(async () => undefined), [change]);
  return {
    drawings,
    add: useCallback((drawing: Drawing) => void change((history) => history.add(drawing)), [change]),
    delete: (id: string) => change((history) => history.delete(id)),
    clear: () => change((history) => history.clear()),
  };
}
