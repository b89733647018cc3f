/** How pictures are shown on a terminal. */
export type Graphics =
  /** Kitty's graphics protocol (https://sw.kovidgoyal.net/kitty/graphics-protocol). */
  | { readonly protocol: 'kitty' }
  /** iTerm2's inline images (https://iterm2.com/documentation-images.html). */
  | { readonly protocol: 'iterm2' }
  /** Sixels, with the size of a character cell in pixels. */
  | { readonly protocol: 'sixel'; readonly cell: CellSize }
  /**
   * Half blocks, two pixels a cell. depth: bits of a colour, 24 or 8; or 1 for shades of characters
   * without colour.
   */
  | { readonly protocol: 'blocks'; readonly depth: 24 | 8 | 1 };

/** Pixels of a character cell. */
export interface CellSize {
  readonly width: number;
  readonly height: number;
}

/** The variables of the environment. */
type Environment = Readonly<Record<string, string | undefined>>;

/** A terminal that can be asked. */
export interface AskedTerminal {
  readonly env: Environment;
  /** Bits of a colour: 1, 4, 8 or 24, as `getColorDepth` of Node's terminal streams says. */
  readonly depth: number;
  /** Sends a query and resolves with the answer, or with what came until the time was over. */
  ask(query: string, isComplete: (answer: string) => boolean): Promise<string>;
}

/** Asks for the size of a cell, and then for the terminal's attributes, which every terminal answers. */
const QUERY = '\x1b[16t\x1b[c';
// biome-ignore lint/suspicious/noControlCharactersInRegex: answers of terminals begin with ESC
const ATTRIBUTES = /\x1b\[\?([\d;]*)c/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: answers of terminals begin with ESC
const CELL = /\x1b\[6;(\d+);(\d+)t/;

/** The number of sixels among a terminal's attributes. */
const SIXEL_ATTRIBUTE = '4';

/**
 * Finds the best way in which a terminal shows pictures. Terminals that say by their environment
 * that they have a protocol are believed, except within tmux and screen, which pass on the
 * environment and not the pictures. Others are asked for sixels. Otherwise pictures are blocks, in
 * as many colours as there are; with NO_COLOR they are shades.
 */
export async function detectGraphics({ env, depth, ask }: AskedTerminal): Promise<Graphics> {
  // Node trusts COLORTERM less than its list of terminals; within tmux it finds 256 colours.
  const colours = depth >= 24 || /^(truecolor|24bit)$/.test(env.COLORTERM ?? '') ? 24 : depth >= 8 ? 8 : 1;
  if (env.NO_COLOR) return { protocol: 'blocks', depth: 1 };
  const isInside = env.TMUX !== undefined || /^(screen|tmux)/.test(env.TERM ?? '');
  const known = isInside ? undefined : knownProtocol(env);
  if (known !== undefined) return { protocol: known };
  const answer = await ask(QUERY, (text) => ATTRIBUTES.test(text));
  const hasSixels = ATTRIBUTES.exec(answer)?.[1]?.split(';').includes(SIXEL_ATTRIBUTE);
  const [height, width] = (CELL.exec(answer) ?? []).slice(1).map(Number);
  if (hasSixels && height && width) return { protocol: 'sixel', cell: { width, height } };
  return { protocol: 'blocks', depth: colours };
}

/** The protocol of a terminal that says by its environment which one it is. */
function knownProtocol(env: Environment): 'kitty' | 'iterm2' | undefined {
  const program = env.TERM_PROGRAM ?? '';
  if (env.TERM === 'xterm-kitty' || env.KITTY_WINDOW_ID || /^(ghostty|WezTerm)$/.test(program))
    return 'kitty';
  return program === 'iTerm.app' || env.LC_TERMINAL === 'iTerm2' ? 'iterm2' : undefined;
}
