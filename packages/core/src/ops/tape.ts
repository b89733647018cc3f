import * as tf from '@tensorflow/tfjs';

/** One recorded operation of tfjs's gradient tape (TapeNode in tfjs-core/src/tape.ts, 4.22.0). */
export interface TapeNode {
  readonly kernelName: string;
  readonly inputs: Record<string, tf.Tensor>;
  readonly outputs: readonly tf.Tensor[];
  readonly saved?: readonly tf.Tensor[];
  readonly gradient?: (dys: (tf.Tensor | undefined)[]) => Record<string, () => tf.Tensor>;
}

/**
 * A gradient of an input. If the input already has the gradient `sum`, `plus` adds to it in the
 * same pass. tfjs's own backward pass calls this as any other gradient, and adds.
 */
export interface SummingGradient {
  (): tf.Tensor;
  /** sum + this gradient, a new tensor. */
  plus?: (sum: tf.Tensor) => tf.Tensor;
}

/** Makes f a gradient: f() is the gradient alone, f(sum) is added to sum. */
export function summing(f: (sum?: tf.Tensor) => tf.Tensor): SummingGradient {
  const gradient: SummingGradient = () => f();
  gradient.plus = f;
  return gradient;
}

/**
 * The parts of tfjs's engine that are used here beyond its public types. `tape.test.ts` pins them,
 * so that another tfjs fails there first.
 */
interface EngineWithTape {
  startTape(): void;
  endTape(): void;
  readonly state: { activeTape: TapeNode[] | null; gradientDepth: number; kernelDepth: number };
}

function engine(): EngineWithTape {
  return tf.engine() as unknown as EngineWithTape;
}

/** Whether tfjs records operations for a gradient right now. */
export function tapeIsOn(): boolean {
  const { state } = engine();
  return state.gradientDepth > 0 && state.kernelDepth === 0;
}

/** Whether a gradient is being recorded anywhere up the call stack. */
export function insideGradient(): boolean {
  return engine().state.gradientDepth > 0;
}

/** Runs f inside tidy without recording its operations. */
export function unrecorded<T extends tf.TensorContainer>(f: () => T): T {
  const { state } = engine();
  state.kernelDepth++;
  try {
    return tf.tidy(f);
  } finally {
    state.kernelDepth--;
  }
}

/**
 * Runs f inside tidy while recording. Returns its result and the tape, which is then the caller's:
 * the caller disposes each node's saved tensors. `onNode` is shown each node as it comes. If f
 * throws, saved tensors are disposed and tfjs's tape is as before. Do not call it inside another
 * gradient.
 */
export function record<T extends tf.TensorContainer>(
  f: () => T,
  onNode?: (node: TapeNode) => void,
): { result: T; tape: readonly TapeNode[] } {
  const tfEngine = engine();
  // Inside a backward pass of tfjs's own there is a tape that will still be read.
  const before = tfEngine.state.activeTape;
  tfEngine.startTape();
  if (onNode !== undefined) {
    const tape = tfEngine.state.activeTape as TapeNode[];
    tape.push = (...nodes) => {
      const length = Array.prototype.push.apply(tape, nodes);
      for (const node of nodes) onNode(node);
      return length;
    };
  }
  try {
    const result = tf.tidy(f);
    return { result, tape: tfEngine.state.activeTape ?? [] };
  } catch (error) {
    for (const node of tfEngine.state.activeTape ?? []) disposeSaved(node);
    throw error;
  } finally {
    tfEngine.endTape();
    tfEngine.state.activeTape = before;
  }
}

/** Frees what the forward pass kept for this node's gradient. */
export function disposeSaved(node: TapeNode): void {
  for (const tensor of node.saved ?? []) if (!tensor.isDisposed) tensor.dispose();
}
