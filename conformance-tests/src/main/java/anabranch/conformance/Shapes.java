package anabranch.conformance;

import anabranch.model.Activation;
import anabranch.model.Attention;
import anabranch.model.Block;
import anabranch.model.Embedding;
import anabranch.model.Exit;
import anabranch.model.FeedForward;
import anabranch.model.Head;
import anabranch.model.Input;
import anabranch.model.Mixture;
import anabranch.model.ModelSpec;
import anabranch.model.Norm;
import anabranch.model.Operation;
import anabranch.model.Plan;
import anabranch.model.Sublayer;
import anabranch.model.route.Router;
import anabranch.model.route.Routers;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;

/** Descriptions in the shapes that single tests need, and changes to weights. Stateless. */
final class Shapes {
  private static final int WIDTH = 12;
  private static final int MOST_ROWS = 16;

  private Shapes() {}

  /** Two token-wise blocks with one mixture each, no exits. */
  static ModelSpec routed(Router router, int experts) {
    Block block =
        Block.of(
            Sublayer.preNorm(
                new Norm.Rms(1e-5),
                new Mixture(experts, FeedForward.gated(5, Activation.GELU), router)));
    return new ModelSpec(
        "routed",
        WIDTH,
        new Input.Tokens(20, MOST_ROWS),
        Embedding.plain(),
        new Plan(List.of(block, block)),
        new Head(Head.Pool.EACH, new Norm.Layer(1e-5), 4, false));
  }

  /** One block without norms and a head without norm: logits are linear in its operation. */
  static ModelSpec linear(Operation operation) {
    Block block = Block.of(new Sublayer(Sublayer.nameOf(operation), null, operation, null, null));
    return new ModelSpec(
        "linear",
        WIDTH,
        new Input.Tokens(20, MOST_ROWS),
        Embedding.plain(),
        new Plan(List.of(block)),
        new Head(Head.Pool.EACH, null, 3, true));
  }

  /**
   * Three blocks of attention and mixture over features, exits after the first two, rows freeze.
   */
  static ModelSpec freezing(Attention attention) {
    return freezing(new Input.Features(6, MOST_ROWS), Embedding.withPositions(), attention);
  }

  /** The same over tokens with hashed n-grams. */
  static ModelSpec freezingWithNgrams(Attention attention) {
    return freezing(
        new Input.Tokens(20, MOST_ROWS),
        Embedding.plain().withNgrams(new Embedding.Ngrams(List.of(2, 3), 16, 5, 3)),
        attention);
  }

  private static ModelSpec freezing(Input input, Embedding embedding, Attention attention) {
    Norm norm = new Norm.Layer(1e-5);
    Block block =
        Block.of(
            Sublayer.preNorm(norm, attention),
            Sublayer.preNorm(
                norm, new Mixture(4, FeedForward.plain(7, Activation.SILU), Routers.mixtral(2))));
    Head head = new Head(Head.Pool.EACH, norm, 3, true);
    Exit first = new Exit("first", head, Exit.Criterion.margin(), Exit.Bypass.FREEZE_PROJECT);
    Exit second = new Exit("second", head, Exit.Criterion.confidence(), Exit.Bypass.FREEZE_PROJECT);
    return new ModelSpec(
        "freezing",
        WIDTH,
        input,
        embedding,
        new Plan(List.of(block, first, block, second, block)),
        head);
  }

  /** Two token-wise blocks, an exit for the item between them, every head pools the mean. */
  static ModelSpec pooled() {
    Norm norm = new Norm.Rms(1e-5);
    Block block = Block.of(Sublayer.preNorm(norm, FeedForward.plain(7, Activation.SILU)));
    Head head = new Head(Head.Pool.MEAN, norm, 3, true);
    Exit exit = new Exit("item", head, Exit.Criterion.entropy(), Exit.Bypass.TERMINATE);
    return new ModelSpec(
        "pooled",
        WIDTH,
        new Input.Tokens(20, MOST_ROWS),
        Embedding.plain(),
        new Plan(List.of(block, exit, block)),
        head);
  }

  /** Returns the weights of a description with some tensors replaced. */
  static Weights changed(
      ModelSpec spec, Weights weights, BiFunction<String, Tensor, Tensor> change) {
    List<Tensor> tensors = new ArrayList<>();
    spec.parameters()
        .forEach(
            parameter ->
                tensors.add(change.apply(parameter.name(), weights.tensor(parameter.name()))));
    return MemoryWeights.of(tensors);
  }

  /** Returns a tensor like another with all numbers alike. */
  static Tensor filled(Tensor like, float value) {
    float[] values = new float[Math.toIntExact(like.elements())];
    Arrays.fill(values, value);
    return MemoryWeights.tensor(like.name(), like.shape(), values);
  }
}
