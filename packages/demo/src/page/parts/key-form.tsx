import { useState } from 'preact/hooks';

/** Asks for the key of a server that has one. */
export function KeyForm({
  message,
  onKey,
}: {
  readonly message: string;
  readonly onKey: (key: string) => void;
}) {
  const [key, setKey] = useState('');
  return (
    <form
      class="brief"
      aria-label="Key"
      onSubmit={(event) => {
        event.preventDefault();
        if (key.trim() !== '') onKey(key.trim());
      }}
    >
      <label class="brief-label" for="key">
        This server asks for a key
      </label>
      <input
        id="key"
        class="key"
        type="password"
        autocomplete="current-password"
        value={key}
        aria-describedby="key-message"
        onInput={({ currentTarget }) => setKey(currentTarget.value)}
      />
      <p id="key-message" class="note" role="alert">
        {message}
      </p>
      <div class="actions">
        <button type="submit" class="button button-main">
          Go on
        </button>
      </div>
    </form>
  );
}
