import * as tf from '@tensorflow/tfjs';
import { EaselError } from '../errors.js';
import { NarrowSaving } from './bfloat16.js';
import { disposeSaved, insideGradient, record, type SummingGradient, type TapeNode } from './tape.js';

/** Settings of `valueAndGrads`. */
export interface ValueAndGradsOptions {
  /**
   * Whether what the gradient needs of the forward pass is kept in bfloat16, on a backend that
   * holds it in half the memory (native). Default false. The gradient is then that of activations
   * rounded to 3 digits; all arithmetic stays float32.
   */
  readonly narrowSaved?: boolean;
  /**
   * Whether a variable that does not reach the loss is left out of `grads`. By default it is an
   * error.
   */
  readonly allowUnused?: boolean;
  /**
   * Called with each gradient as soon as it is whole. Nothing that is left to do reads the variable
   * any more, so it may be changed there. The gradient is disposed afterwards and is not in
   * `grads`, so that never all gradients are held at once.
   */
  readonly onGradient?: (name: string, gradient: tf.Tensor) => void;
}

/** Result of `valueAndGrads`; all tensors are the caller's to dispose. */
export interface ValueAndGrads {
  /** The loss. */
  readonly value: tf.Scalar;
  /** What f returned beside `loss`, by name. */
  readonly outputs: Record<string, tf.Tensor>;
  /** d loss / d variable, by the names of the given map. Each has its variable's shape. */
  readonly grads: Map<string, tf.Tensor>;
}

/**
 * The value of f and the gradient of its loss for each variable. This is what tf.variableGrads
 * computes, with less memory. tfjs frees the tensors saved for the backward pass, and the gradients
 * of all activations, only when the whole pass ends. This walk frees each as soon as its operation
 * is done: six feed-forward blocks took no memory above the forward pass, against 45 % more.
 *
 * f returns the loss (a scalar), or `{ loss, … }` with further tensors to hand out; it runs in
 * tidy. Integer tensors on the way carry no gradient, so an index that a variable chooses (an
 * argmin of distances) needs no special care. Throws EaselError if called inside another gradient,
 * if the loss is not a float32 scalar, if an operation on the way has no gradient, or if a variable
 * does not reach the loss.
 */
export function valueAndGrads(
  f: () => tf.Scalar | ({ loss: tf.Scalar } & Record<string, tf.Tensor>),
  variables: ReadonlyMap<string, tf.Variable>,
  { allowUnused = false, onGradient, narrowSaved = false }: ValueAndGradsOptions = {},
): ValueAndGrads {
  if (insideGradient()) {
    throw new EaselError(
      'valueAndGrads: cannot run inside another gradient; use tf.grads for derivatives of derivatives.',
    );
  }
  const { result, tape } = record<tf.TensorContainer>(f, narrowSaved ? new NarrowSaving().see : undefined);
  const { loss, outputs } = splitResult(result);
  try {
    if (loss === undefined || loss.size !== 1 || loss.dtype !== 'float32') {
      const found = loss === undefined ? 'none' : `${loss.dtype} [${loss.shape}]`;
      throw new EaselError(`valueAndGrads: expected f to return a float32 scalar as its loss, got ${found}.`);
    }
    const names = new Map<number, string[]>();
    for (const [name, { id }] of variables) names.set(id, [...(names.get(id) ?? []), name]);
    const handedOut = new Set<string>();
    const hand = (id: number, gradient: tf.Tensor): void => {
      for (const name of names.get(id) ?? []) {
        handedOut.add(name);
        onGradient?.(name, gradient);
      }
    };
    const byId = backward(loss, tape, new Set(names.keys()), onGradient && { onWhole: hand });
    const grads = collect(byId, variables, handedOut, allowUnused);
    return { value: loss as tf.Scalar, outputs, grads };
  } catch (error) {
    tf.dispose(result);
    throw error;
  } finally {
    for (const node of tape) disposeSaved(node);
  }
}

/**
 * The gradients of Σ f·dy for some tensors that f reads: what flows back through f. It runs f once
 * more, inside tidy. Call it where no gradient is being recorded. A tensor that does not reach the
 * result has a gradient of zeros. The caller (or its tidy) disposes the result.
 */
export function pullBack(f: () => tf.Tensor, dy: tf.Tensor, wanted: readonly tf.Tensor[]): tf.Tensor[] {
  const { result, tape } = record(f);
  try {
    const byId = backward(result, tape, new Set(wanted.map(({ id }) => id)), { dy });
    const grads = wanted.map((x) => tf.clone(byId.get(x.id) ?? tf.zerosLike(x)));
    tf.dispose([...byId.values()]);
    return grads;
  } finally {
    result.dispose();
    for (const node of tape) disposeSaved(node);
  }
}

function splitResult(result: tf.TensorContainer): {
  loss: tf.Tensor | undefined;
  outputs: Record<string, tf.Tensor>;
} {
  if (result instanceof tf.Tensor) return { loss: result, outputs: {} };
  const { loss, ...outputs } = (result ?? {}) as Record<string, tf.Tensor>;
  return { loss: loss instanceof tf.Tensor ? loss : undefined, outputs };
}

/**
 * The kept gradients by the id of the wanted tensor, from the result's gradient `dy` (default 1).
 * On an error nothing is kept. With `onWhole`, each gradient goes there when all operations that
 * read its tensor have been walked, and is disposed afterwards.
 */
function backward(
  result: tf.Tensor,
  tape: readonly TapeNode[],
  wanted: ReadonlySet<number>,
  { dy, onWhole }: { dy?: tf.Tensor; onWhole?: (id: number, gradient: tf.Tensor) => void } = {},
): Map<number, tf.Tensor> {
  const reached = new Set(wanted);
  const nodes: TapeNode[] = [];
  for (const node of tape) {
    if (!Object.values(node.inputs).some((input) => input != null && reached.has(input.id))) {
      disposeSaved(node);
      continue;
    }
    for (const output of node.outputs) if (output.dtype === 'float32') reached.add(output.id);
    nodes.push(node);
  }
  const firstReader = new Map<number, TapeNode>(); // the last one to be walked
  if (onWhole !== undefined)
    for (const node of nodes)
      for (const input of Object.values(node.inputs))
        if (input != null && wanted.has(input.id) && !firstReader.has(input.id))
          firstReader.set(input.id, node);
  const gradients = new Map<number, tf.Tensor>();
  try {
    if (reached.has(result.id))
      gradients.set(result.id, tf.keep(dy === undefined ? tf.onesLike(result) : tf.clone(dy)));
    for (const node of nodes.reverse()) {
      const dys = node.outputs.map((output) => gradients.get(output.id));
      if (dys.some((dy) => dy !== undefined)) tf.tidy(() => walkNode(node, dys, reached, gradients));
      disposeSaved(node);
      for (const output of node.outputs) {
        if (wanted.has(output.id)) continue;
        gradients.get(output.id)?.dispose();
        gradients.delete(output.id);
      }
      if (onWhole === undefined) continue;
      for (const { id } of Object.values(node.inputs).filter((input) => input != null)) {
        const gradient = gradients.get(id);
        if (gradient === undefined || firstReader.get(id) !== node) continue;
        firstReader.delete(id);
        onWhole(id, gradient);
        gradient.dispose();
        gradients.delete(id);
      }
    }
    return gradients;
  } catch (error) {
    tf.dispose([...gradients.values()]);
    throw error;
  }
}

/** Adds this node's part to the gradients of those inputs that depend on a wanted tensor. */
function walkNode(
  node: TapeNode,
  dys: (tf.Tensor | undefined)[],
  reached: ReadonlySet<number>,
  gradients: Map<number, tf.Tensor>,
): void {
  if (node.gradient === undefined) {
    throw new EaselError(
      `valueAndGrads: the operation ${node.kernelName} has no gradient. Compute it outside the loss, or with operations that have one.`,
    );
  }
  const parts = node.gradient(dys);
  // A gradient function may return dy, a saved tensor, or one tensor for two inputs. Only the first
  // owner keeps it as it is.
  const owned = new Set([...dys, ...(node.saved ?? [])].map((tensor) => tensor?.id));
  for (const [name, input] of Object.entries(node.inputs)) {
    if (input == null || !reached.has(input.id)) continue;
    const part = parts[name];
    if (part === undefined) {
      throw new EaselError(
        `valueAndGrads: the operation ${node.kernelName} has no gradient for its input "${name}".`,
      );
    }
    const before = gradients.get(input.id);
    const plus = before === undefined ? undefined : (part as SummingGradient).plus;
    const gradient = tf.tidy(plus === undefined ? part : () => plus(before as tf.Tensor));
    if (gradient.dtype !== 'float32' || !tf.util.arraysEqual(gradient.shape, input.shape)) {
      throw new EaselError(
        `valueAndGrads: the gradient of ${node.kernelName} for its input "${name}" should be float32 [${input.shape}], got ${gradient.dtype} [${gradient.shape}].`,
      );
    }
    const sum = before === undefined || plus !== undefined ? gradient : tf.add(before, gradient);
    const own = owned.has(sum.id) ? tf.clone(sum) : sum;
    owned.add(own.id);
    gradients.set(input.id, tf.keep(own));
    before?.dispose();
  }
}

function collect(
  byId: Map<number, tf.Tensor>,
  variables: ReadonlyMap<string, tf.Variable>,
  handedOut: ReadonlySet<string>,
  allowUnused: boolean,
): Map<string, tf.Tensor> {
  const grads = new Map<string, tf.Tensor>();
  const unused: string[] = [];
  for (const [name, variable] of variables) {
    if (handedOut.has(name)) continue;
    const gradient = byId.get(variable.id);
    if (gradient === undefined) unused.push(name);
    else grads.set(name, tf.clone(gradient)); // an ordinary tensor, so that a caller's tidy owns it
  }
  tf.dispose([...byId.values()]);
  if (unused.length > 0 && !allowUnused) {
    tf.dispose([...grads.values()]);
    const more = unused.length > 8 ? ` and ${unused.length - 8} more` : '';
    throw new EaselError(
      `valueAndGrads: the loss does not depend on ${unused.slice(0, 8).join(', ')}${more}. Leave these variables out, or pass allowUnused.`,
    );
  }
  return grads;
}
