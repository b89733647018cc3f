import * as tf from '@tensorflow/tfjs';
import { EaselError } from '../errors.js';

type LayerArgs = ConstructorParameters<typeof tf.layers.Layer>[0];
type LayerVariable = tf.layers.Layer['trainableWeights'][number];
type Initializer = ReturnType<typeof tf.initializers.zeros>;
type Regularizer = ReturnType<typeof tf.regularizers.l2>;

/**
 * The base of every layer that Easel defines. It is an ordinary tf.layers.Layer: it goes into
 * tf.model, saves, loads and freezes. Its weights and children exist from the constructor on, so
 * `call` works at once on plain tensors.
 *
 * A subclass adds its own weights with addWeight and children with child, both in its constructor.
 * A weight's name is its path: `encoder.layers.0.glu.gate.kernel` in namedWeights, the same with
 * slashes where tfjs saves a model.
 *
 * tfjs does not track a layer's children by itself. This class repairs that, once. (1) Weights get
 * unique original names; with duplicates, loading a saved model would fail. (2) Weight getters and
 * freezing reach the children. (3) dispose works for a layer that was never applied to a symbolic
 * tensor. (4) No build step is needed before call.
 */
export abstract class CompositeLayer extends tf.layers.Layer {
  private readonly children = new Map<string, tf.layers.Layer>();
  private disposed = false;

  constructor(args: LayerArgs = {}) {
    super(args);
    this.built = true;
  }

  /** Adds a weight of this layer itself. Its path is `name`. */
  protected override addWeight(
    name: string,
    shape: tf.Shape,
    dtype?: tf.DataType,
    initializer?: Initializer,
    regularizer?: Regularizer,
    trainable?: boolean,
  ): LayerVariable {
    const weight = super.addWeight(name, shape, dtype, initializer, regularizer, trainable);
    (weight as { originalName: string }).originalName = `${this.name}/${name}`;
    return weight;
  }

  /** `className` if a subclass can be saved and loaded, else the class's own name. */
  override getClassName(): string {
    const { className, name } = this.constructor as { className?: string; name: string };
    return className ?? name;
  }

  /**
   * Registers a child under `name`, which may hold dots ('layers.0'), and returns it. Throws
   * EaselError if the name is taken.
   */
  protected child<L extends tf.layers.Layer>(name: string, layer: L): L {
    if (this.children.has(name)) throw new EaselError(`${this.name}: there is already a child "${name}".`);
    this.children.set(name, layer);
    for (const [path, weight] of this.weightPaths()) {
      // The outermost layer is built last, and its name stays.
      (weight as { originalName: string }).originalName = `${this.name}/${path.replaceAll('.', '/')}`;
    }
    return layer;
  }

  /**
   * Every weight of this layer and the layers in it, trainable or not. Keys are paths joined with
   * dots, in order of construction.
   */
  namedWeights(): Map<string, tf.Variable> {
    return new Map(this.weightPaths().map(([path, weight]) => [path, weight.read() as tf.Variable]));
  }

  private weightPaths(): [string, LayerVariable][] {
    const own = ownWeights(this);
    const below = [...this.children].flatMap(([name, layer]) => {
      const paths = layer instanceof CompositeLayer ? layer.weightPaths() : ownWeights(layer);
      return paths.map(([path, weight]): [string, LayerVariable] => [`${name}.${path}`, weight]);
    });
    return [...own, ...below];
  }

  override get trainableWeights(): LayerVariable[] {
    if (!this.trainable) return [];
    return [
      ...super.trainableWeights,
      ...[...this.children.values()].flatMap((layer) => layer.trainableWeights),
    ];
  }

  override set trainableWeights(weights: LayerVariable[]) {
    super.trainableWeights = weights;
  }

  override get nonTrainableWeights(): LayerVariable[] {
    const below = [...this.children.values()].flatMap((layer) =>
      this.trainable ? layer.nonTrainableWeights : layer.weights,
    );
    return [...super.nonTrainableWeights, ...below];
  }

  override set nonTrainableWeights(weights: LayerVariable[]) {
    super.nonTrainableWeights = weights;
  }

  /**
   * Trainable weights, then the others. The base's getter would call itself for ever once the layer
   * is frozen.
   */
  override get weights(): LayerVariable[] {
    return [...this.trainableWeights, ...this.nonTrainableWeights];
  }

  /** The shape of the input, unless a subclass says otherwise. */
  override computeOutputShape(inputShape: tf.Shape | tf.Shape[]): tf.Shape | tf.Shape[] {
    return inputShape;
  }

  /** Frees all weights of this layer and the layers in it. A second call does nothing. */
  override dispose(): ReturnType<tf.layers.Layer['dispose']> {
    if (this.disposed) return { refCountAfterDispose: 0, numDisposedVariables: 0 };
    this.disposed = true;
    const weights = this.weightPaths().map(([, weight]) => weight);
    for (const weight of weights) if (!(weight.read() as tf.Variable).isDisposed) weight.dispose();
    return { refCountAfterDispose: 0, numDisposedVariables: weights.length };
  }
}

function ownWeights(layer: tf.layers.Layer): [string, LayerVariable][] {
  const { _trainableWeights: trainable, _nonTrainableWeights: others } = layer as unknown as Record<
    '_trainableWeights' | '_nonTrainableWeights',
    LayerVariable[]
  >;
  return [...trainable, ...others].map((weight) => {
    const { originalName } = weight as unknown as { originalName: string };
    return [originalName.slice(originalName.lastIndexOf('/') + 1), weight];
  });
}

/**
 * The one tensor of a call. tfjs may pass it as a list of one. Throws EaselError for any other
 * list.
 */
export function singleInput(inputs: tf.Tensor | tf.Tensor[], layer: tf.layers.Layer): tf.Tensor {
  if (!Array.isArray(inputs)) return inputs;
  const [first] = inputs;
  if (inputs.length !== 1 || first === undefined) {
    throw new EaselError(`${layer.name}: expected one input tensor, got ${inputs.length}.`);
  }
  return first;
}
