import type { Canvas, Progress } from '../drawing/progress.js';
import { usePictureUrl } from './picture-url.js';

/** Properties of `Wall`. */
export interface WallProps {
  readonly progress: Progress | undefined;
  /** Frames that hang there before anything is drawn. */
  readonly frames: number;
  readonly onOpen: (index: number) => void;
}

/** The pictures of a drawing, which grow while they are drawn. */
export function Wall({ progress, frames, onOpen }: WallProps) {
  const canvases: readonly Canvas[] =
    progress?.canvases ?? Array.from({ length: frames }, (_, index) => ({ index, share: 0 }));
  const isBusy = progress?.phase === 'waiting' || progress?.phase === 'drawing';
  const columns = Math.min(3, Math.ceil(Math.sqrt(canvases.length)));
  return (
    <ul class="wall" data-columns={columns} aria-label="Pictures" aria-busy={isBusy}>
      {canvases.map((canvas) => (
        <li key={canvas.index}>
          <Frame
            canvas={canvas}
            prompt={progress?.request.prompt}
            count={canvases.length}
            isGrowing={isBusy}
            onOpen={() => onOpen(canvas.index)}
          />
        </li>
      ))}
    </ul>
  );
}

interface FrameProps {
  readonly canvas: Canvas;
  readonly prompt: string | undefined;
  readonly count: number;
  readonly isGrowing: boolean;
  readonly onOpen: () => void;
}

function Frame({ canvas, prompt, count, isGrowing, onOpen }: FrameProps) {
  const { picture, share, finished, index } = canvas;
  const url = usePictureUrl(picture);
  const name = `Picture ${index + 1} of ${count}`;
  const hidden = `${Math.round((1 - share) * 1000) / 10}%`;
  const state =
    finished !== undefined
      ? `: ${prompt}`
      : prompt === undefined
        ? ', empty'
        : isGrowing
          ? ', being drawn'
          : ', unfinished';
  return (
    <button
      type="button"
      class="frame"
      data-state={finished === undefined ? (prompt === undefined ? 'empty' : 'growing') : 'finished'}
      disabled={finished === undefined}
      aria-label={`${name}${state}`}
      onClick={onOpen}
    >
      {url !== undefined && (
        <img src={url} alt="" draggable={false} style={{ clipPath: `inset(0 0 ${hidden} 0)` }} />
      )}
      {finished === undefined && isGrowing && share > 0 && (
        <span class="brush" style={{ top: `${share * 100}%` }} />
      )}
      {finished?.score !== undefined && (
        <span class="score" title="How well it fits the prompt, by CLIP">
          {finished.score.toFixed(1)}
        </span>
      )}
    </button>
  );
}
