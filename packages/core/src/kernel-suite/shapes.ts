/** The sizes of the letters in a kernel's shapes. `..` is a list of extents. */
export type Sizes = Readonly<Record<string, number | readonly number[]>>;

/**
 * The extents that a shape of the contract means: `B, T, D` with sizes for its letters. `1|B` means
 * B, unless `ones` names the letter. Undefined for a shape with `*`, which has no size of its own.
 */
export function extentsOf(shape: string, sizes: Sizes, ones: readonly string[] = []): number[] | undefined {
  if (shape === '') return [];
  const extents: number[] = [];
  for (const part of shape.split(', ')) {
    if (part === '*') return undefined;
    const letter = part.startsWith('1|') ? part.slice(2) : part;
    if (part !== letter && ones.includes(letter)) extents.push(1);
    else if (/^\d+$/.test(letter)) extents.push(Number(letter));
    else {
      const size = sizes[letter];
      if (size === undefined) throw new Error(`no size for ${letter} of [${shape}]`);
      extents.push(...(typeof size === 'number' ? [size] : size));
    }
  }
  return extents;
}

/** Whether extents are those of the shape. `*` fits any extent; `1|B` fits 1 and B. */
export function fitsShape(extents: readonly number[], shape: string, sizes: Sizes): boolean {
  const wanted =
    shape === ''
      ? []
      : shape.split(', ').flatMap((part) => {
          const size = sizes[part];
          return Array.isArray(size) ? (size as number[]).map(String) : [part];
        });
  return (
    wanted.length === extents.length &&
    wanted.every((part, axis) => {
      const letter = part.startsWith('1|') ? part.slice(2) : part;
      if (letter === '*' || (letter !== part && extents[axis] === 1)) return true;
      return extents[axis] === (sizes[letter] ?? Number(letter));
    })
  );
}
