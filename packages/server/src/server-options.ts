/** Bounds of what a server takes. */
export interface ServerLimits {
  /** Requests that are drawn or wait, at most; others get 503 (default 64). */
  readonly requests: number;
  /** Requests of one client at a time, at most; others get 429 (default 8). */
  readonly clientRequests: number;
  /** Pictures of a request, at most (default 10). */
  readonly images: number;
  /** Characters of a prompt, at most (default 1000). */
  readonly promptLength: number;
  /** Bytes of a request's body, at most (default 65,536). */
  readonly bodyBytes: number;
  /** Bytes of pictures that are kept for their addresses; the oldest go first (default 64 MiB). */
  readonly storedBytes: number;
  /** Seconds that such a picture is kept (default 3600). */
  readonly storedSeconds: number;
  /** Seconds after which a reader that takes nothing is left (default 60). */
  readonly writeSeconds: number;
}

/** The bounds where none are given. */
export const DEFAULT_LIMITS: ServerLimits = {
  requests: 64,
  clientRequests: 8,
  images: 10,
  promptLength: 1000,
  bodyBytes: 65_536,
  storedBytes: 64 * 2 ** 20,
  storedSeconds: 3600,
  writeSeconds: 60,
};

/** Options of `startServer`. */
export interface ServerOptions {
  /** The model's folder. */
  readonly model: string;
  /** Folder of a CLIP that scores the pictures (default none). */
  readonly clip?: string | undefined;
  /** The model's name in the API. */
  readonly name: string;
  /** Port; 0 takes a free one (default 7860). */
  readonly port?: number | undefined;
  /** Address to listen at (default 127.0.0.1, which only this machine reaches). */
  readonly host?: string | undefined;
  /** Name of the backend (default: the variable EASEL_BACKEND, else the fastest that starts). */
  readonly backend?: string | undefined;
  /** Pictures drawn at a time, at most (default: 16, or as many as fit into memory). */
  readonly slots?: number | undefined;
  /** A key that requests must carry as `Authorization: Bearer KEY` (default none). */
  readonly key?: string | undefined;
  /** Origin whose pages may call the API, or `*` (default: only the server's own). */
  readonly cors?: string | undefined;
  /** Path of a module that checks prompts or pictures; see ContentCheck (default none). */
  readonly check?: string | undefined;
  readonly limits?: Partial<ServerLimits> | undefined;
  /** Takes a line of the log (default: it goes to stderr). */
  readonly log?: ((line: string) => void) | undefined;
}
