package anabranch.benchmarks.layer;

import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Routers;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * A routed layer and how its rows spread over its experts.
 *
 * @param width of a row
 * @param inner of an expert
 * @param experts how many there are
 * @param k how many a row sees
 * @param skew 0 where experts are alike; else the exponent of a Zipf law of their popularity
 */
record Shape(int width, int inner, int experts, int k, double skew) {
  /** The ids of rows, and so the most rows that differ. */
  static final int ROWS = 4096;

  static final String PATH = "blocks.0.mixture";

  /** Returns this shape with another popularity of its experts. */
  Shape skewed(double exponent) {
    return new Shape(width, inner, experts, k, exponent);
  }

  /**
   * Returns a model that is this layer and little else: rows are looked up, and stay as they are.
   */
  ModelSpec spec() {
    return new ModelSpec(
        "layer",
        width,
        new Input.Tokens(ROWS, ROWS),
        Embedding.plain(),
        Plan.of(new Block(List.of(layer()))),
        new Head(Head.Pool.EACH, null, 4, false));
  }

  /** Returns the layer: what it computes is added to the rows. */
  Sublayer layer() {
    FeedForward expert = FeedForward.plain(inner, Activation.RELU);
    Mixture mixture = new Mixture(experts, expert, Routers.mixtral(k));
    return new Sublayer(Sublayer.nameOf(mixture), null, mixture, null, null);
  }

  /**
   * Returns weights by which each row sees experts that were drawn for it without replacement, by
   * their popularity: the router reads a drawn score of each expert off the first numbers of a row.
   */
  Weights weights() {
    Weights random = Weights.random(spec(), 1);
    List<Tensor> tensors = new ArrayList<>();
    for (String name : random.names()) {
      Tensor tensor = random.tensor(name);
      if (name.equals("embedding.tokens") || name.endsWith("router.weight")) {
        float[] numbers = new float[Math.toIntExact(tensor.elements())];
        tensor.copyTo(FloatBuffer.wrap(numbers));
        if (name.endsWith("router.weight")) {
          Arrays.fill(numbers, 0);
          IntStream.range(0, experts).forEach(e -> numbers[e * width + e] = 1);
        } else {
          scores(numbers);
        }
        tensor = MemoryWeights.tensor(name, tensor.shape(), numbers);
      }
      tensors.add(tensor);
    }
    return MemoryWeights.of(tensors);
  }

  private void scores(float[] rows) {
    SplittableRandom random = new SplittableRandom(7);
    for (int row = 0; row < ROWS; row++) {
      for (int e = 0; e < experts; e++) {
        double gumbel = -Math.log(-Math.log(1 - random.nextDouble()));
        rows[row * width + e] = (float) (gumbel - skew * Math.log(1 + e));
      }
    }
  }

  /** Returns the experts of a row, the best first: those of the highest scores. */
  int[] choose(float[] logits, int at) {
    return IntStream.range(0, experts)
        .boxed()
        .sorted(Comparator.comparingDouble(e -> -logits[at + e]))
        .limit(k)
        .mapToInt(e -> e)
        .toArray();
  }

  /** Returns the weights of chosen experts: the softmax over their scores. */
  float[] weigh(float[] logits, int at, int[] chosen) {
    float[] weights = new float[k];
    double sum = 0;
    for (int i = 0; i < k; i++) {
      weights[i] = (float) Math.exp(logits[at + chosen[i]] - logits[at + chosen[0]]);
      sum += weights[i];
    }
    for (int i = 0; i < k; i++) {
      weights[i] /= (float) sum;
    }
    return weights;
  }

  @Override
  public String toString() {
    return "D" + width + ".F" + inner + ".E" + experts + ".K" + k + (skew > 0 ? ".zipf" : "");
  }
}
