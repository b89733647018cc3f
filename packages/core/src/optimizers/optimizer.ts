import * as tf from '@tensorflow/tfjs';
import { CheckpointError, ShapeError } from '../errors.js';
import { toBfloat16 } from '../ops/bfloat16.js';
import { foldIn, foldInNames, prngKey } from '../random/index.js';
import { ifAccepted } from './clip.js';
import type { Schedule } from './schedules.js';

/** The name of the count of updates in `state()`. */
const STEP = 'step';

/** What an update has in common for all variables. */
export interface UpdatePoint {
  readonly learningRate: number;
  /** The number of updates before this one. */
  readonly count: number;
  /** The factor of each gradient. A tensor that is NaN refuses the update. */
  readonly gradientScale: number | tf.Scalar;
}

/** An update that gets its gradients one by one, as `valueAndGrads` hands them out. */
export interface PendingUpdate {
  /**
   * Changes one variable by its gradient times `gradientScale` (default 1). The gradient is read,
   * not disposed.
   *
   * The scale is a number, or a float32 scalar still on the device (`updateScale`). Where it is NaN
   * the update is refused: the variable and its state keep their values bit for bit. Nothing is
   * waited for, so everything can be handed over before a number is read. Throws ShapeError if the
   * gradient does not fit, or if the variable has had its turn.
   */
  take(name: string, gradient: tf.Tensor, gradientScale?: number | tf.Scalar): void;
  /**
   * Counts the update, after waiting for what depends on numbers (Shampoo's roots). Do not call it
   * for a refused update, which stays unfinished. Throws ShapeError if a variable has had no
   * gradient, and CheckpointError if loaded state does not fit.
   */
  finish(): Promise<void>;
}

/** How the variables are held between updates. */
export type WeightFormat = 'float32' | 'bfloat16';

/** Settings of every optimizer. */
export interface OptimizerConfig {
  readonly schedule: Schedule;
  /**
   * How variables are held between updates. Default 'float32'. With 'bfloat16', each variable is
   * rounded to bfloat16 after its update, which is float32. It is rounded by chance, in proportion
   * to the distances, with a seed that follows from name and count. So small steps aren't lost and
   * a run can be repeated.
   */
  readonly weights?: WeightFormat;
}

/** A seed for each variable and update. */
function roundingSeed(name: string, count: number): number {
  const [a, b] = foldIn(foldInNames(prngKey(0), [name]), count);
  return (a ^ b) >>> 0;
}

/**
 * The base of the optimizers. It counts updates, holds the state tensors of each variable by name,
 * and saves and loads them.
 *
 * A subclass computes one variable's update in `update`, with state tensors from `slot`.
 */
export abstract class Optimizer {
  readonly schedule: Schedule;
  private readonly weights: WeightFormat;
  private readonly slots = new Map<string, tf.Variable>();
  private readonly counter: tf.Variable = tf.tidy(() => tf.variable(tf.scalar(0), false));
  private stepsDone = 0;
  /**
   * The names of loaded state that no variable has taken up yet; undefined if nothing was loaded.
   */
  private loaded: Set<string> | undefined;

  constructor({ schedule, weights = 'float32' }: OptimizerConfig) {
    this.schedule = schedule;
    this.weights = weights;
  }

  /** The number of updates done so far. The next one has the learning rate schedule(step). */
  get step(): number {
    return this.stepsDone;
  }

  /**
   * Changes each variable by its gradient times `gradientScale`, as `PendingUpdate.take` does, then
   * counts the update. Gradients are read, not disposed.
   *
   * The two maps must have the same names and shapes: otherwise ShapeError is thrown before
   * anything is changed. Throws CheckpointError if loaded state does not fit the variables.
   */
  async apply(
    variables: ReadonlyMap<string, tf.Variable>,
    grads: ReadonlyMap<string, tf.Tensor>,
    gradientScale: number | tf.Scalar = 1,
  ): Promise<void> {
    this.check(variables, grads);
    const update = this.begin(variables);
    for (const name of variables.keys()) update.take(name, grads.get(name) as tf.Tensor, gradientScale);
    await update.finish();
  }

  /**
   * As `apply`, for gradients that come one by one and in any order. If the update is not finished,
   * what `take` has changed stays changed.
   */
  begin(variables: ReadonlyMap<string, tf.Variable>): PendingUpdate {
    const at = { learningRate: this.schedule(this.stepsDone), count: this.stepsDone };
    this.prepare(variables);
    const waiting = new Map(variables);
    return {
      take: (name, gradient, gradientScale = 1) => {
        const variable = waiting.get(name);
        if (variable === undefined)
          throw new ShapeError(`optimizer: there is a gradient but no variable named ${name}.`);
        checkGradient(name, variable, gradient);
        waiting.delete(name);
        this.change(name, variable, gradient, { ...at, gradientScale });
      },
      finish: async () => {
        for (const [name, variable] of waiting) checkGradient(name, variable, undefined);
        this.checkLoadedIsUsed();
        await this.settle(variables, at.count);
        this.stepsDone += 1;
      },
    };
  }

  private change(name: string, variable: tf.Variable, gradient: tf.Tensor, at: UpdatePoint): void {
    if (typeof at.gradientScale === 'number' && Number.isNaN(at.gradientScale)) return;
    tf.tidy(() => {
      this.update(name, variable, gradient, at);
      if (this.weights === 'bfloat16')
        this.assign(variable, toBfloat16(variable, roundingSeed(name, at.count)), at);
    });
  }

  /** Called once before the variables of an update, to prepare what depends on all of them. */
  protected prepare(_variables: ReadonlyMap<string, tf.Variable>): void {}

  /**
   * Called once when all variables have been changed, for work that has to read numbers. `count` is
   * the number of updates before this one.
   */
  protected async settle(_variables: ReadonlyMap<string, tf.Variable>, _count: number): Promise<void> {}

  /**
   * Gives a variable or state tensor its new value, or the old one in an update that its scale
   * refuses. Call it inside tidy.
   */
  protected assign(target: tf.Variable, value: tf.Tensor, { gradientScale }: UpdatePoint): void {
    target.assign(typeof gradientScale === 'number' ? value : ifAccepted(gradientScale, value, target));
  }

  /**
   * Changes one variable and its state by gradient·gradientScale, inside tidy. It uses `assign`, or
   * a kernel that heeds the scale itself.
   */
  protected abstract update(name: string, variable: tf.Variable, gradient: tf.Tensor, at: UpdatePoint): void;

  /**
   * The state tensor `kind` of a variable; `initial()` (default zeros) if it is new. Throws
   * CheckpointError if loaded state lacks it or has another shape.
   */
  protected slot(
    kind: string,
    name: string,
    shape: number[],
    initial: () => tf.Tensor = () => tf.zeros(shape),
  ): tf.Variable {
    const key = `${kind}.${name}`;
    const existing = this.slots.get(key);
    this.loaded?.delete(key);
    if (existing !== undefined) {
      if (`${existing.shape}` !== `${shape}`) {
        throw new CheckpointError(
          `optimizer state: expected ${key} of shape [${shape}], found [${existing.shape}]. Is this the state of another model?`,
        );
      }
      return existing;
    }
    if (this.loaded !== undefined) {
      throw new CheckpointError(
        `optimizer state: ${key} is missing from the loaded state. Is it that of another model or optimizer?`,
      );
    }
    const created = tf.tidy(() => tf.variable(initial(), false));
    this.slots.set(key, created);
    return created;
  }

  /**
   * All state by name: `step` (a scalar), and `kind.variable` for each state tensor, as in
   * `m.decoder.final_norm.bias`. The tensors are the optimizer's own. Read or save them before the
   * next update, and do not dispose them.
   */
  state(): Map<string, tf.Tensor> {
    tf.tidy(() => this.counter.assign(tf.scalar(this.stepsDone)));
    return new Map<string, tf.Tensor>([[STEP, this.counter], ...this.slots]);
  }

  /**
   * Goes on from a state that `state` returned. Copies the tensors. Throws CheckpointError if there
   * is no valid `step`. Whether the rest fits the variables shows at the next update.
   */
  async loadState(state: ReadonlyMap<string, tf.Tensor>): Promise<void> {
    const step = (await state.get(STEP)?.data())?.[0];
    if (step === undefined || !Number.isInteger(step) || step < 0) {
      throw new CheckpointError(
        `optimizer state: expected a whole number as "${STEP}", found ${step ?? 'none'}. Is this an optimizer's state?`,
      );
    }
    const before = [...this.slots.values()];
    this.slots.clear();
    for (const [key, tensor] of state) {
      // A sum makes a copy. A clone would share the caller's memory, which updates in place must
      // not change.
      if (key !== STEP)
        this.slots.set(
          key,
          tf.tidy(() => tf.variable(tf.add(tensor, tf.scalar(0, tensor.dtype as 'float32')), false)),
        );
    }
    tf.dispose(before); // last, since they may be what is loaded
    this.stepsDone = step;
    // Before its first update an optimizer has no state to miss.
    this.loaded = step === 0 && this.slots.size === 0 ? undefined : new Set(this.slots.keys());
  }

  /** Frees the state. The optimizer must not be used afterwards. */
  dispose(): void {
    tf.dispose([this.counter, ...this.slots.values()]);
    this.slots.clear();
  }

  private check(variables: ReadonlyMap<string, tf.Variable>, grads: ReadonlyMap<string, tf.Tensor>): void {
    for (const [name, variable] of variables) checkGradient(name, variable, grads.get(name));
    for (const name of grads.keys()) {
      if (!variables.has(name)) {
        throw new ShapeError(`optimizer: there is a gradient but no variable named ${name}.`);
      }
    }
  }

  private checkLoadedIsUsed(): void {
    const [left] = this.loaded ?? [];
    if (left !== undefined) {
      throw new CheckpointError(
        `optimizer state: ${left} in the loaded state belongs to no variable. Is it that of another model or optimizer?`,
      );
    }
    this.loaded = undefined;
  }
}

function checkGradient(name: string, variable: tf.Variable, gradient: tf.Tensor | undefined): void {
  if (gradient !== undefined && tf.util.arraysEqual(gradient.shape, variable.shape)) return;
  const found = gradient === undefined ? 'none' : `[${gradient.shape}]`;
  throw new ShapeError(`optimizer: expected a gradient [${variable.shape}] for ${name}, got ${found}.`);
}
