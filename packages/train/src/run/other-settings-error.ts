import { ConfigError } from '@easel/core';

/** A run is to be resumed with settings that would change its numbers. */
export class OtherSettingsError extends ConfigError {
  /** The run's folder. */
  readonly run: string;

  /** `differences`: each as `NAME was X, now Y`. */
  constructor(run: string, differences: readonly string[]) {
    super(
      `Run folder ${run}: its run has other settings: ${differences.join('; ')}. Resume with the config it was begun with (config.json in it), or begin a new run from its model (init) in another folder.`,
    );
    this.run = run;
  }
}
