/** A refusal in the form of OpenAI's API. */
export interface ApiErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    /** Name of the parameter that is at fault. */
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** What an ApiError says beside its message. */
export interface ApiErrorDetails {
  readonly param?: string | undefined;
  readonly code?: string | undefined;
  /** Seconds after which to try again. */
  readonly retryAfter?: number | undefined;
  /** Methods that the path has. */
  readonly allow?: string | undefined;
}

/** The status codes of refusals. */
export type ApiStatus = 400 | 401 | 403 | 404 | 405 | 413 | 415 | 429 | 499 | 500 | 503;

/** A request that is refused, with its status code and one sentence for whoever sent it. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: ApiStatus;
  readonly details: ApiErrorDetails;

  constructor(status: ApiStatus, message: string, details: ApiErrorDetails = {}) {
    super(message);
    this.status = status;
    this.details = details;
  }

  get headers(): Record<string, string> {
    const { retryAfter, allow } = this.details;
    return {
      ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
      ...(allow === undefined ? {} : { allow }),
      ...(this.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    };
  }

  get body(): ApiErrorBody {
    const { param = null, code = null } = this.details;
    return { error: { message: this.message, type: typeOf(this.status), param, code } };
  }
}

function typeOf(status: ApiStatus): string {
  if (status >= 500) return 'server_error';
  return status === 429 ? 'rate_limit_error' : 'invalid_request_error';
}
