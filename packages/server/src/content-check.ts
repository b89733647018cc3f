import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError, type Raster } from '@easel/core';
import { ApiError } from './api-error.js';

/**
 * What a module of `--check` exports. Each function returns nothing, or the reason for a refusal:
 * a sentence that the sender of the request gets. They may be async, and should not block.
 */
export interface ContentCheck {
  /** Looks at a prompt before it is drawn. */
  checkPrompt?(prompt: string): string | undefined | Promise<string | undefined>;
  /** Looks at a finished picture, bytes [height, width, 3], before it is sent. */
  checkPicture?(pixels: Raster, prompt: string): string | undefined | Promise<string | undefined>;
}

const NAMES = ['checkPrompt', 'checkPicture'] as const;

/** Loads a module of checks. Throws ConfigError if it does not load or exports neither function. */
export async function loadContentCheck(path: string): Promise<ContentCheck> {
  let module: Record<string, unknown>;
  try {
    module = await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`Check module ${path}: it does not load: ${cause.split('\n')[0]}`, {
      cause: error,
    });
  }
  const given = NAMES.filter((name) => module[name] !== undefined);
  const wrong = given.find((name) => typeof module[name] !== 'function');
  if (given.length === 0 || wrong !== undefined) {
    throw new ConfigError(
      `Check module ${path}: expected it to export a function checkPrompt or checkPicture, found ${
        wrong === undefined
          ? `exports ${Object.keys(module).join(', ') || 'nothing'}`
          : `${wrong} is ${typeof module[wrong]}`
      }.`,
    );
  }
  return module as ContentCheck;
}

/** Throws ApiError 400 with the reason of a refusal. */
export function refuseFor(reason: string | undefined): void {
  if (reason === undefined || reason === null) return;
  throw new ApiError(400, String(reason), { code: 'content_policy_violation' });
}
