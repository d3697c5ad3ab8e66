package anabranch.benchmarks.measure;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cost;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.weights.Weights;

/** What this machine can do at best, on one core: the bounds to read other figures against. */
public final class Machine {
  private static final int READ_FLOATS = 64 << 20;

  private Machine() {}

  /** Returns the GFLOP/s of one wide feed-forward network on the backend, 2048 rows at a time. */
  public static double gigaflops(String backend) {
    Block block =
        Block.of(Sublayer.preNorm(new Norm.Rms(1e-5), FeedForward.plain(4096, Activation.RELU)));
    ModelSpec spec =
        new ModelSpec(
            "wide",
            1024,
            new Input.Features(1, 2048),
            Embedding.plain(),
            Plan.of(block),
            new Head(Head.Pool.FIRST, null, 1, false));
    try (Weights weights = Weights.random(spec, 1);
        Engine engine =
            Engine.open(
                Backends.named(backend).load(spec, weights, LoadOptions.defaults()),
                Policy.fullDepth(),
                EngineOptions.defaults())) {
      Item item = Item.of("rows", Event.ofFeatures(1, new float[2048]));
      long nanos =
          new Contest().side("wide", () -> engine.infer(item)).run(3, 9).get("wide").median();
      return Cost.of(spec).full(2048) / (double) nanos;
    }
  }

  /** Returns the GB/s at which a plain loop sums numbers from memory. */
  public static double gigabytesRead() {
    float[] numbers = new float[READ_FLOATS];
    float[] sink = new float[1];
    long nanos =
        new Contest().side("read", () -> sink[0] += sum(numbers)).run(3, 9).get("read").median();
    if (sink[0] != 0) {
      throw new AssertionError("the sum of nothing is " + sink[0]);
    }
    return 4.0 * READ_FLOATS / nanos;
  }

  private static float sum(float[] numbers) {
    float a = 0;
    float b = 0;
    float c = 0;
    float d = 0;
    for (int i = 0; i < numbers.length; i += 16) {
      a += numbers[i];
      b += numbers[i + 4];
      c += numbers[i + 8];
      d += numbers[i + 12];
    }
    return a + b + c + d;
  }
}
