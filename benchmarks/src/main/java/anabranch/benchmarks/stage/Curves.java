package anabranch.benchmarks.stage;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.benchmarks.measure.Contest;
import anabranch.benchmarks.measure.Limits;
import anabranch.benchmarks.measure.Report;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Routers;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * How the time of a model grows with the tokens of a batch, with its experts while each token takes
 * as many as before, with the length of its sequences, and with its layers; on one lane and one
 * thread, in time of processors.
 */
public final class Curves {
  private static final int VOCABULARY = 64;
  private static final int WIDTH = 256;
  private static final int FEW = 16;
  private static final Norm NORM = new Norm.Rms(1e-5);

  private final String backend;
  private final int rounds;
  private final Report report;

  private Curves(String backend, int rounds, Report report) {
    this.backend = backend;
    this.rounds = rounds;
    this.report = report;
  }

  /** Measures up to 4096 tokens, 256 experts, rows of 4096 and 16 layers. */
  public static void run(String backend, int rounds, Report report) {
    try (Limits limits = new Limits()) {
      report.limits(limits.probe());
      run(backend, 4096, 256, 16, rounds, report);
      report.limits(limits.probe());
    }
  }

  static void run(String backend, int tokens, int experts, int layers, int rounds, Report report) {
    Curves curves = new Curves(backend, rounds, report);
    // The compiler of the JVM sees the engine before the first point.
    curves.point(FEW, spec("warm", FEW, 2, attention(), network(), mixture(8)), FEW);
    ModelSpec routed = spec("tokens", tokens, 2, mixture(8));
    curves.rows("tokens", "one item of so many tokens, 2 layers of 8 experts, 2 taken", routed, 1);
    List<List<String>> rows = new ArrayList<>();
    for (int count = 8; count <= experts; count *= 2) {
      rows.add(curves.point(count, spec("experts", 256, 2, mixture(count)), 256));
    }
    curves.table("experts", "256 tokens, 2 layers of so many experts, 2 taken", rows);
    ModelSpec reading = spec("length", tokens, 2, attention(), network());
    curves.rows("length", "one sequence of so many rows, 2 layers of attention", reading, 16);
    rows = new ArrayList<>();
    for (int count = 1; count <= layers; count *= 2) {
      rows.add(curves.point(count, spec("layers", 256, count, attention(), network()), 256));
    }
    curves.table("layers", "256 tokens, so many layers of attention and a network", rows);
  }

  private void rows(String name, String what, ModelSpec spec, int least) {
    List<List<String>> rows = new ArrayList<>();
    for (int count = least; count <= spec.input().maxLength(); count *= 4) {
      rows.add(point(count, spec, count));
    }
    table(name, what, rows);
  }

  private void table(String name, String what, List<List<String>> rows) {
    report.table(
        "curves." + name + ": " + what, List.of(name, "ms", "us a token", "GFLOP/s"), rows);
  }

  /** Returns a row of a table: the place on the curve, and what an item of tokens took. */
  private List<String> point(int at, ModelSpec spec, int tokens) {
    Item item =
        Item.of(
            "tokens",
            Event.ofTokens(IntStream.range(0, tokens).map(i -> i * 7 % VOCABULARY).toArray()));
    try (Weights weights = Weights.random(spec, 1);
        Engine engine =
            Engine.open(
                Backends.named(backend).load(spec, weights, LoadOptions.defaults()),
                Policy.fullDepth(),
                EngineOptions.defaults().withBatchRows(4096))) {
      int times = tokens < 64 ? 20 * rounds : rounds;
      Contest.Times taken =
          new Contest()
              .side("ours", () -> engine.infer(item))
              .run(times / 2 + 1, times)
              .get("ours");
      double nanos = taken.busyMedian();
      double flops = engine.infer(item).flops();
      return List.of(
          Integer.toString(at),
          String.format(Locale.ROOT, "%.3f", nanos / 1e6),
          String.format(Locale.ROOT, "%.2f", nanos / 1e3 / tokens),
          String.format(Locale.ROOT, "%.1f", flops / nanos));
    }
  }

  private static Sublayer mixture(int experts) {
    FeedForward expert = FeedForward.plain(2 * WIDTH, Activation.RELU);
    return Sublayer.preNorm(NORM, new Mixture(experts, expert, Routers.mixtral(2)));
  }

  private static Sublayer attention() {
    return Sublayer.preNorm(NORM, Attention.causal(4, WIDTH / 4).withRotary(10000));
  }

  private static Sublayer network() {
    return Sublayer.preNorm(NORM, FeedForward.plain(4 * WIDTH, Activation.RELU));
  }

  private static ModelSpec spec(String name, int longest, int layers, Sublayer... sublayers) {
    Plan.Builder plan = Plan.builder();
    IntStream.range(0, layers).forEach(layer -> plan.add(Block.of(sublayers)));
    Head head = new Head(Head.Pool.EACH, NORM, 4, false);
    Input input = new Input.Tokens(VOCABULARY, longest);
    return new ModelSpec(name, WIDTH, input, Embedding.plain(), plan.build(), head);
  }
}
