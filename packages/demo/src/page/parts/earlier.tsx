import { useState } from 'preact/hooks';
import type { Drawing, DrawnPicture } from '../history/history.js';
import { usePictureUrl } from './picture-url.js';

/** Drawings shown at first, and how many more at a time. */
const SHOWN = 12;

/** Pictures of a drawing that its card shows. */
const ON_CARD = 4;

/** Properties of `Earlier`. */
export interface EarlierProps {
  readonly drawings: readonly Drawing[];
  readonly onShow: (drawing: Drawing) => void;
  readonly onDelete: (drawing: Drawing) => void;
  readonly onClear: () => void;
}

/** The drawings that this browser keeps. */
export function Earlier({ drawings, onShow, onDelete, onClear }: EarlierProps) {
  const [count, setCount] = useState(SHOWN);
  const [asks, setAsks] = useState(false);
  if (drawings.length === 0) return null;
  return (
    <section class="earlier" aria-labelledby="earlier">
      <div class="earlier-head">
        <h2 id="earlier">Earlier</h2>
        {asks ? (
          <span>
            Delete all {drawings.length}?{' '}
            <button
              type="button"
              class="word"
              onClick={() => {
                setAsks(false);
                onClear();
              }}
            >
              Delete
            </button>{' '}
            <button type="button" class="word" onClick={() => setAsks(false)}>
              Keep
            </button>
          </span>
        ) : (
          <button type="button" class="word word-quiet" onClick={() => setAsks(true)}>
            Delete all
          </button>
        )}
      </div>
      <ul class="cards">
        {drawings.slice(0, count).map((drawing) => (
          <li key={drawing.id} class="card">
            <button type="button" class="card-open" onClick={() => onShow(drawing)}>
              <span class="card-pictures">
                {drawing.pictures.slice(0, ON_CARD).map((picture) => (
                  <Thumbnail key={picture.index} picture={picture} />
                ))}
              </span>
              <span class="title card-title">{drawing.request.prompt}</span>
            </button>
            <span class="card-foot">
              <time dateTime={new Date(drawing.time).toISOString()}>{ago(drawing.time)}</time>
              <button
                type="button"
                class="word word-quiet"
                aria-label={`Delete “${drawing.request.prompt}”`}
                onClick={() => onDelete(drawing)}
              >
                Delete
              </button>
            </span>
          </li>
        ))}
      </ul>
      {drawings.length > count && (
        <button type="button" class="button" onClick={() => setCount(count + SHOWN)}>
          Show more
        </button>
      )}
    </section>
  );
}

function Thumbnail({ picture }: { readonly picture: DrawnPicture }) {
  const url = usePictureUrl(picture.file);
  return <img src={url} alt="" loading="lazy" draggable={false} />;
}

const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const hour = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });

function ago(time: number): string {
  const date = new Date(time);
  return date.toDateString() === new Date().toDateString() ? hour.format(date) : day.format(date);
}
