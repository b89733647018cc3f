import { useCallback, useRef, useState } from 'preact/hooks';
import type { Drawing } from '../history/history.js';
import type { Drawer, DrawingRequest } from './drawer.js';
import { after, begun, finishedOf, type Progress } from './progress.js';

/** A drawing that goes on, or the last one. */
export interface CurrentDrawing {
  readonly progress: Progress | undefined;
  readonly isDrawing: boolean;
  start(request: DrawingRequest): void;
  cancel(): void;
  /** Shows a drawing of before. */
  show(drawing: Drawing): void;
}

/** Draws one request at a time. onFinished takes what is finished of it at its end. */
export function useDrawing(
  drawer: Drawer | undefined,
  onFinished: (drawing: Drawing) => void,
): CurrentDrawing {
  const [progress, setProgress] = useState<Progress>();
  const controller = useRef<AbortController | undefined>(undefined);

  const start = useCallback(
    (request: DrawingRequest) => {
      if (drawer === undefined) return;
      controller.current?.abort();
      const own = new AbortController();
      controller.current = own;
      void run(drawer, request, own.signal, (next) => {
        if (controller.current === own) setProgress(next);
      }).then((last) => {
        const pictures = finishedOf(last);
        const { id, time, model } = last;
        if (pictures.length > 0) onFinished({ id, time, model, request, pictures });
      });
    },
    [drawer, onFinished],
  );
  const cancel = useCallback(() => controller.current?.abort(), []);
  const show = useCallback(({ id, time, model, request, pictures }: Drawing) => {
    controller.current = undefined;
    const canvases = pictures.map((picture) => ({
      index: picture.index,
      picture: picture.file,
      share: 1,
      finished: picture,
    }));
    setProgress({ ...begun(id, model, request, time), phase: 'finished', canvases });
  }, []);
  const isDrawing = progress?.phase === 'waiting' || progress?.phase === 'drawing';
  return { progress, isDrawing, start, cancel, show };
}

async function run(
  drawer: Drawer,
  request: DrawingRequest,
  signal: AbortSignal,
  onProgress: (progress: Progress) => void,
): Promise<Progress> {
  let progress = begun(crypto.randomUUID?.() ?? `${Date.now()}`, drawer.facts.model, request, Date.now());
  const tell = (next: Progress) => {
    progress = next;
    onProgress(next);
  };
  tell(progress);
  try {
    for await (const event of drawer.draw(request, signal)) tell(after(progress, event, Date.now()));
    tell({ ...progress, phase: 'finished', ended: Date.now() });
  } catch (error) {
    const isCancelled = signal.aborted;
    const message = error instanceof Error ? error.message : String(error);
    tell({
      ...progress,
      phase: isCancelled ? 'cancelled' : 'failed',
      ended: Date.now(),
      error: isCancelled ? undefined : message,
    });
  }
  return progress;
}
