package anabranch.conformance.system;

import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.backend.Event;
import anabranch.conformance.space.Case;
import anabranch.conformance.space.Sequence;
import anabranch.conformance.trial.Answered;
import anabranch.conformance.trial.Trial;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Parameter;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Models whose numbers can be followed by hand: hidden vectors are table rows, there are no norms,
 * and logits are the hidden vector itself.
 */
public final class Tiny {
  private final ModelSpec spec;
  private final Map<String, float[]> given = new LinkedHashMap<>();

  private Tiny(ModelSpec spec) {
    this.spec = spec;
    if (spec.head().hidden() == null && spec.head().pool() != Head.Pool.FLATTEN) {
      given.put("head.weight", identity(spec.width()));
    }
  }

  /** Returns a model over token ids whose logits are hidden vectors. */
  public static Tiny of(int width, int vocabulary, Plan plan) {
    return of(width, vocabulary, plan, Head.Pool.EACH);
  }

  /** Returns a model over token ids whose logits are hidden vectors, pooled. */
  public static Tiny of(int width, int vocabulary, Plan plan, Head.Pool pool) {
    return new Tiny(
        new ModelSpec(
            "tiny",
            width,
            new Input.Tokens(vocabulary, 1 << 14),
            Embedding.plain(),
            plan,
            head(pool, width)));
  }

  /** Returns weights to be given to a model. */
  public static Tiny of(ModelSpec spec) {
    return new Tiny(spec);
  }

  /** Returns a head that shows hidden vectors as they are. */
  public static Head head(Head.Pool pool, int width) {
    return new Head(pool, null, width, false);
  }

  /** Returns a residual step without norms. */
  public static Sublayer bare(String name, Operation operation) {
    return new Sublayer(name, null, operation, null, null);
  }

  /** Returns a network of one inner unit; see {@link #copier}. */
  public static FeedForward unit() {
    return FeedForward.plain(1, Activation.RELU);
  }

  /** Gives a tensor; all that are not given are zero. */
  public Tiny give(String name, float... values) {
    given.put(name, values);
    return this;
  }

  /** Gives the head of an exit. */
  public Tiny show(String exit) {
    return give("exits." + exit + ".weight", identity(spec.width()));
  }

  /** Gives a network that writes {@code factor * max(x[from], 0)} to place {@code to}. */
  public Tiny copier(String path, int from, int to, float factor) {
    float[] up = new float[spec.width()];
    up[from] = 1;
    float[] down = new float[spec.width()];
    down[to] = factor;
    return give(path + ".up.weight", up).give(path + ".down.weight", down);
  }

  /** Returns the case, with one sequence for each array of token ids. */
  public Case with(int[]... tokens) {
    List<Sequence> sequences = new ArrayList<>();
    for (int[] each : tokens) {
      Event event = Event.ofTokens(each).keyed("item" + sequences.size());
      sequences.add(Sequence.of(event));
    }
    return new Case("tiny", spec, weights(), sequences);
  }

  /** Returns the case with these sequences. */
  public Case with(List<Sequence> sequences) {
    return new Case("tiny", spec, weights(), sequences);
  }

  private Weights weights() {
    List<Tensor> tensors = new ArrayList<>();
    for (Parameter parameter : spec.parameters()) {
      float[] values = given.get(parameter.name());
      float[] all = values == null ? new float[(int) parameter.elements()] : values;
      tensors.add(MemoryWeights.tensor(parameter.name(), parameter.shape(), all));
    }
    for (String name : given.keySet()) {
      if (spec.parameters().stream().noneMatch(p -> p.name().equals(name))) {
        throw new AssertionError(name + " is no parameter of this model");
      }
    }
    return MemoryWeights.of(tensors);
  }

  /** Returns ones on the diagonal. */
  public static float[] identity(int width) {
    float[] matrix = new float[width * width];
    for (int i = 0; i < width; i++) {
      matrix[i * width + i] = 1;
    }
    return matrix;
  }

  /** Fails unless one number of the logits of each unit is as expected, to fp32. */
  public static void expect(
      Trial trial, String what, Answered answered, int place, double... expected) {
    assertEquals(expected.length, answered.logits.length, what + ": number of units");
    for (int unit = 0; unit < expected.length; unit++) {
      double allowed = trial.tolerance().of(expected[unit]);
      assertEquals(expected[unit], answered.logits[unit][place], allowed, what + ", unit " + unit);
    }
  }

  /** Returns the difference of two logits that gives the first the probability p of two. */
  public static float odds(double p) {
    return (float) Math.log(p / (1 - p));
  }
}
