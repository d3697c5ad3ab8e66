package anabranch.benchmarks.process;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.engine.Backends;
import anabranch.engine.Item;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Routers;
import anabranch.weights.Safetensors;
import anabranch.weights.Weights;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/** A model of 67 MB, one mixture of eight experts, whose weights lie in a file. Stateless. */
public final class Wide {
  static final int ROWS = 512;
  static final int WIDTH = 512;

  /** The experts that a row takes. */
  static final int TAKEN = 2;

  private Wide() {}

  static ModelSpec spec() {
    FeedForward expert = FeedForward.plain(4 * WIDTH, Activation.RELU);
    Mixture mixture = new Mixture(8, expert, Routers.mixtral(TAKEN));
    return new ModelSpec(
        "wide",
        WIDTH,
        new Input.Tokens(ROWS, ROWS),
        Embedding.plain(),
        Plan.of(Block.of(Sublayer.preNorm(new Norm.Rms(1e-5), mixture))),
        new Head(Head.Pool.MEAN, null, 4, false));
  }

  /** Writes the weights. */
  public static void write(Path file) {
    try (Weights weights = Weights.random(spec(), 1)) {
      Safetensors.write(file, List.copyOf(weights.names()).stream().map(weights::tensor).toList());
    }
  }

  /** Loads the model. */
  static LoadedModel load(String backend, Path file, LoadOptions options) {
    try (Weights weights = Safetensors.open(file)) {
      return Backends.named(backend).load(spec(), weights, options);
    }
  }

  /** Returns an item of that many rows. */
  static Item item(int rows) {
    return Item.of("rows", Event.ofTokens(IntStream.range(0, rows).toArray()));
  }
}
