import { useEffect, useState } from 'preact/hooks';

/** An address of a file in memory for as long as it is shown. */
export function usePictureUrl(file: Blob | undefined): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (file === undefined) {
      setUrl(undefined);
      return undefined;
    }
    const own = URL.createObjectURL(file);
    setUrl(own);
    // The next address is loaded before this one is let go, so that nothing flickers.
    return () => void setTimeout(() => URL.revokeObjectURL(own), 1000);
  }, [file]);
  return url;
}
