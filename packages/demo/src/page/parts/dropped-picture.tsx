import { useEffect, useRef, useState } from 'preact/hooks';

/** Properties of `DroppedPicture`. */
export interface DroppedPictureProps {
  readonly onPicture: (file: File) => void;
}

/** Takes a picture that is dropped on the page, or chosen. */
export function DroppedPicture({ onPicture }: DroppedPictureProps) {
  const [isOver, setIsOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const isFile = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const over = (event: DragEvent) => {
      if (!isFile(event)) return;
      event.preventDefault();
      setIsOver(true);
    };
    const leave = (event: DragEvent) => event.relatedTarget === null && setIsOver(false);
    const drop = (event: DragEvent) => {
      if (!isFile(event)) return;
      event.preventDefault();
      setIsOver(false);
      const file = event.dataTransfer?.files[0];
      if (file !== undefined) onPicture(file);
    };
    addEventListener('dragover', over);
    addEventListener('dragleave', leave);
    addEventListener('drop', drop);
    return () => {
      removeEventListener('dragover', over);
      removeEventListener('dragleave', leave);
      removeEventListener('drop', drop);
    };
  }, [onPicture]);
  return (
    <>
      <input
        ref={input}
        type="file"
        accept="image/png"
        hidden
        onChange={({ currentTarget }) => {
          const file = currentTarget.files?.[0];
          currentTarget.value = '';
          if (file !== undefined) onPicture(file);
        }}
      />
      <button
        type="button"
        class="word"
        title="Restores the prompt, seed and settings of a picture that Easel drew. You can also drop it here."
        onClick={() => input.current?.click()}
      >
        Open a picture
      </button>
      {isOver && <div class="drop">Drop a picture of Easel’s to restore its prompt, seed and settings</div>}
    </>
  );
}
