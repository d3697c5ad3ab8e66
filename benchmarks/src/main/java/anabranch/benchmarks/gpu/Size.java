package anabranch.benchmarks.gpu;

import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Parameter;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Routers;
import anabranch.weights.DType;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * How large everything is.
 *
 * @param name as a command says it
 * @param width of the layer's rows
 * @param inner of its experts
 * @param experts how many there are
 * @param k how many a row sees
 * @param rows how many rows the layer is given, one measurement each
 * @param modelWidth of the whole model's rows
 * @param modelInner of its experts
 * @param layers how many blocks it has; even
 * @param prompt rows of a prompt
 * @param sequences how many go on at once
 */
record Size(
    String name,
    int width,
    int inner,
    int experts,
    int k,
    List<Integer> rows,
    int modelWidth,
    int modelInner,
    int layers,
    int prompt,
    int sequences) {
  private static final Norm NORM = new Norm.Rms(1e-5);
  private static final int HEAD_WIDTH = 8;
  private static final int LONGEST_HEAD = 128;
  private static final int OUTPUTS = 4;

  /** Returns a layer as in published models, and a model of 5.6 GB in 16 bits. */
  static Size full() {
    return new Size(
        "full", 4096, 14336, 8, 2, List.of(1, 8, 64, 512, 2048, 8192), 2048, 7168, 8, 512, 16);
  }

  /** Returns what a CPU computes in a minute or two: large enough that products take the time. */
  static Size middle() {
    return new Size("middle", 512, 1024, 8, 2, List.of(1, 8, 64, 512), 512, 1024, 4, 128, 4);
  }

  /** Returns what any CPU computes in a moment: a rehearsal. */
  static Size tiny() {
    return new Size("tiny", 64, 128, 4, 2, List.of(1, 8, 32), 64, 64, 2, 16, 2);
  }

  /**
   * Returns a size by its name.
   *
   * @throws IllegalArgumentException if there is none
   */
  static Size named(String name) {
    for (Size each : List.of(full(), middle(), tiny())) {
      if (each.name.equals(name)) {
        return each;
      }
    }
    throw new IllegalArgumentException("size " + name + " is not one of full, middle, tiny");
  }

  /** Returns the most rows that the layer is given. */
  int most() {
    return rows.get(rows.size() - 1);
  }

  /** Returns a model that is one routed layer and little else. */
  ModelSpec layer() {
    Mixture mixture = mixture(inner);
    Sublayer layer = new Sublayer(Sublayer.nameOf(mixture), null, mixture, null, null);
    return new ModelSpec(
        "layer",
        width,
        new Input.Tokens(most(), most()),
        Embedding.plain(),
        Plan.of(new Block(List.of(layer))),
        new Head(Head.Pool.EACH, null, OUTPUTS, false));
  }

  /** Returns a whole model, with an exit behind the first half of its blocks. */
  ModelSpec model() {
    int headWidth = Math.min(LONGEST_HEAD, Math.max(HEAD_WIDTH, modelWidth / 16));
    int heads = modelWidth / headWidth;
    Attention attention =
        Attention.causal(heads, headWidth).withKeyValueHeads(heads / 2).withRotary(10_000);
    Block block =
        Block.of(Sublayer.preNorm(NORM, attention), Sublayer.preNorm(NORM, mixture(modelInner)));
    Head head = new Head(Head.Pool.EACH, NORM, OUTPUTS, false);
    Plan.Builder plan = Plan.builder();
    for (int i = 0; i < layers; i++) {
      plan.add(block);
      if (i == layers / 2 - 1) {
        plan.add(new Exit("half", head, Criterion.confidence(), Bypass.FREEZE_SHARE_KV));
      }
    }
    Input input = new Input.Tokens(prompt, 2 * prompt);
    return new ModelSpec("model", modelWidth, input, Embedding.plain(), plan.build(), head);
  }

  private Mixture mixture(int width) {
    return new Mixture(experts, FeedForward.gated(width, Activation.SILU), Routers.mixtral(k));
  }

  /** Returns weights of 16 bits: parts of one pool of drawn numbers, so that they cost little. */
  static Weights weights(ModelSpec spec) {
    long most = spec.parameters().stream().mapToLong(Parameter::elements).max().orElseThrow();
    ByteBuffer pool =
        ByteBuffer.allocateDirect(Math.toIntExact(2 * (most + most / 4 + 4)))
            .order(ByteOrder.LITTLE_ENDIAN);
    SplittableRandom random = new SplittableRandom(1);
    double scale = 2 / Math.sqrt(spec.width());
    while (pool.hasRemaining()) {
      float number = (float) (scale * (random.nextDouble() - 0.5));
      pool.putShort((short) (Float.floatToRawIntBits(number) >>> 16));
    }
    List<Tensor> tensors = new ArrayList<>();
    for (Parameter parameter : spec.parameters()) {
      int bytes = Math.toIntExact(2 * parameter.elements());
      int from = 2 * random.nextInt((pool.capacity() - bytes) / 2);
      tensors.add(
          new Tensor(parameter.name(), DType.BF16, parameter.shape(), pool.slice(from, bytes)));
    }
    return MemoryWeights.of(tensors);
  }

  @Override
  public String toString() {
    return String.format(Locale.ROOT, "D%d.F%d.E%d.K%d", width, inner, experts, k);
  }
}
