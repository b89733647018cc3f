import { useEffect, useRef, useState } from 'preact/hooks';
import { recordJson } from '../drawing/record.js';
import type { Drawing } from '../history/history.js';
import { pictureName } from './picture-name.js';
import { usePictureUrl } from './picture-url.js';

/** Properties of `Viewer`. */
export interface ViewerProps {
  readonly drawing: Drawing;
  /** Which of its pictures is shown. */
  readonly index: number;
  readonly onIndex: (index: number) => void;
  readonly onClose: () => void;
  readonly onVary: () => void;
}

/** A picture at full size, and what can be done with it. */
export function Viewer({ drawing, index, onIndex, onClose, onVary }: ViewerProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const { pictures, request, model } = drawing;
  const at = pictures.findIndex((one) => one.index === index);
  const picture = pictures[at];
  const url = usePictureUrl(picture?.file);
  const [copied, setCopied] = useState<string>();
  const go = (step: number) => {
    const next = pictures[at + step];
    if (next === undefined) return;
    setCopied(undefined);
    onIndex(next.index);
  };
  const record = recordJson({ ...request, index, model });
  const { conditionScale, temperature, topK, topP } = request.settings;
  return (
    <dialog
      ref={dialog}
      class="viewer"
      aria-label={`Picture ${index + 1}: ${request.prompt}`}
      onClose={onClose}
      onClick={({ target, currentTarget }) => target === currentTarget && currentTarget.close()}
      onKeyDown={({ key }) => {
        if (key === 'ArrowLeft') go(-1);
        if (key === 'ArrowRight') go(1);
      }}
    >
      <div class="viewer-body">
        <div class="viewer-picture">{url !== undefined && <img src={url} alt={request.prompt} />}</div>
        <div class="viewer-label">
          <h2 class="title">{request.prompt}</h2>
          <dl>
            <dt>Picture</dt>
            <dd>
              {index + 1} of {request.images}
            </dd>
            <dt>Seed</dt>
            <dd>{request.seed}</dd>
            <dt>Guidance</dt>
            <dd>{conditionScale}</dd>
            <dt>Temperature</dt>
            <dd>{temperature}</dd>
            <dt>Top-k</dt>
            <dd>{topK}</dd>
            {topP !== 1 && [<dt key="t">Top-p</dt>, <dd key="d">{topP}</dd>]}
            <dt>Model</dt>
            <dd>{model}</dd>
            {picture?.score !== undefined && [
              <dt key="t">CLIP score</dt>,
              <dd key="d">{picture.score.toFixed(2)}</dd>,
            ]}
          </dl>
          <div class="viewer-actions">
            <a class="button button-main" href={url ?? '#'} download={pictureName(request, index)}>
              Save PNG
            </a>
            <button type="button" class="button" onClick={onVary}>
              Vary
            </button>
            <button
              type="button"
              class="button"
              onClick={() =>
                void navigator.clipboard.writeText(record).then(
                  () => setCopied('Copied.'),
                  () => setCopied('The browser does not allow it.'),
                )
              }
            >
              Copy settings
            </button>
            <p class="viewer-copied" role="status">
              {copied}
            </p>
          </div>
          <nav class="viewer-ways" aria-label="Pictures of this drawing">
            <button type="button" class="word" disabled={at <= 0} onClick={() => go(-1)}>
              Previous
            </button>
            <button type="button" class="word" disabled={at >= pictures.length - 1} onClick={() => go(1)}>
              Next
            </button>
            <button type="button" class="word" onClick={() => dialog.current?.close()}>
              Close
            </button>
          </nav>
        </div>
      </div>
    </dialog>
  );
}
