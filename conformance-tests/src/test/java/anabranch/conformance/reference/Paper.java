package anabranch.conformance.reference;

import anabranch.conformance.reference.part.Parameters;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Block;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Parameter;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Models small enough to be computed on paper; most vectors have two numbers. */
public final class Paper {
  /** A head of every row with two logits. */
  public static final Head EACH = new Head(Head.Pool.EACH, null, 2, false);

  /** The table of tokens is the identity: token 0 is (1, 0), token 1 is (0, 1). */
  private static final Map<String, float[]> USUAL =
      Map.of(
          "embedding.tokens", values(1, 0, 0, 1),
          "encoder.embedding.tokens", values(1, 0, 0, 1),
          "exits.a.weight", values(1, 0, 0, 1),
          "exits.b.weight", values(1, 0, 0, 1),
          "head.weight", values(0, 1, 1, 0));

  private Paper() {}

  public static float[] values(float... values) {
    return values;
  }

  /** Returns a block of operations without norms. */
  public static Block block(Operation... operations) {
    List<Sublayer> sublayers = new ArrayList<>();
    for (Operation operation : operations) {
      sublayers.add(sublayer(operation));
    }
    return new Block(sublayers);
  }

  public static Sublayer sublayer(Operation operation) {
    return new Sublayer(Sublayer.nameOf(operation), null, operation, null, null);
  }

  /** Returns a model of two tokens and four rows. */
  public static ModelSpec spec(Head head, Plan plan) {
    return new ModelSpec("paper", 2, new Input.Tokens(2, 4), Embedding.plain(), plan, head);
  }

  /**
   * Returns given tensors, the usual ones, and zeros for all others. Attention has queries of 0, so
   * that it adds the mean of {@code 2 x0 + 4 x1} to {@code x0}; networks add {@code max(x0 + x1,
   * 0)} to {@code x0}.
   */
  public static Weights weights(ModelSpec spec, Map<String, float[]> given) {
    return MemoryWeights.of(tensors(spec.parameters(), given));
  }

  /** Returns a reader of the same. */
  public static Parameters parameters(List<Parameter> needed, Map<String, float[]> given) {
    return new Parameters(MemoryWeights.of(tensors(needed, given)));
  }

  private static List<Tensor> tensors(List<Parameter> needed, Map<String, float[]> given) {
    List<Tensor> tensors = new ArrayList<>();
    for (Parameter parameter : needed) {
      String name = parameter.name();
      int size = (int) parameter.elements();
      float[] numbers = given.getOrDefault(name, USUAL.get(name));
      if (numbers == null && size == 2) {
        numbers =
            name.endsWith(".v.weight")
                ? values(2, 4)
                : name.endsWith(".o.weight") || name.endsWith(".down.weight")
                    ? values(1, 0)
                    : name.endsWith(".up.weight") ? values(1, 1) : null;
      }
      tensors.add(
          MemoryWeights.tensor(
              name, parameter.shape(), numbers == null ? new float[size] : numbers));
    }
    return tensors;
  }
}
