import { EaselError } from '@easel/core';

/** The hub, or the cache of its files, does not give what was asked for. */
export class HubError extends EaselError {}
