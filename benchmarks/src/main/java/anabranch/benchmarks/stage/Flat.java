package anabranch.benchmarks.stage;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Memory;
import anabranch.benchmarks.measure.Report;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.facts.Cut;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Attention;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.route.Routers;
import anabranch.onnx.OnnxOptions;
import anabranch.onnx.Precision;
import anabranch.onnx.run.OnnxModel;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.List;

/**
 * Memory over many steps of a small model, and over models that are loaded, used and closed, in
 * fp32 and in 8 bits.
 */
public final class Flat {
  private static final int WIDTH = 32;
  private static final int LARGE = 256;
  private static final double MEGABYTES = 8;
  private static final Norm NORM = new Norm.Rms(1e-5);

  private Flat() {}

  /**
   * Measures.
   *
   * @param steps calls of stages, half of them in each precision
   * @param cycles how often a model is loaded and closed
   */
  public static void run(String backend, int steps, int cycles, Report report) {
    for (Precision precision : List.of(Precision.FP32, Precision.INT8)) {
      LoadOptions options =
          OnnxOptions.defaults().withPrecision(precision).into(LoadOptions.defaults());
      steps(backend, precision, options, steps / 2, report);
      cycles(backend, precision, options, cycles, report);
    }
  }

  private static void steps(
      String backend, Precision precision, LoadOptions options, int steps, Report report) {
    ModelSpec spec = spec(WIDTH);
    int each = Cut.of(spec).steps().size();
    try (Weights weights = Weights.random(spec, 1)) {
      LoadedModel model = Backends.named(backend).load(spec, weights, options);
      try (Engine engine = Engine.open(model, Policy.fullDepth())) {
        List<Item> items = items();
        int done = 0;
        while (done < steps / 4) {
          done += each;
          engine.infer(items.get(done % items.size()));
        }
        long before = Memory.anonymousBytes();
        long made = made(model);
        while (done < steps) {
          done += each;
          engine.infer(items.get(done % items.size()));
        }
        long grown = Memory.anonymousBytes() - before;
        report.note(
            "flat.%s: %d steps; behind the first quarter memory grew by %.1f MB from %.1f, direct"
                + " memory of calls by %d bytes",
            precision, done, grown / 1e6, before / 1e6, made(model) - made);
        grown(report, "flat." + precision + "." + steps + " steps", grown);
      }
    }
  }

  private static void cycles(
      String backend, Precision precision, LoadOptions options, int cycles, Report report) {
    ModelSpec spec = spec(LARGE);
    List<Long> seen = new ArrayList<>();
    try (Weights weights = Weights.random(spec, 1)) {
      for (int cycle = 0; cycle < cycles; cycle++) {
        LoadedModel model = Backends.named(backend).load(spec, weights, options);
        try (Engine engine = Engine.open(model, Policy.fullDepth())) {
          items().forEach(engine::infer);
        }
        seen.add(Memory.anonymousBytes());
      }
    }
    long grown = seen.get(cycles - 1) - seen.get(cycles / 4);
    report.note(
        "flat.%s: %d times loaded, used and closed; behind the first quarter memory grew by %.1f MB"
            + " from %.1f",
        precision, cycles, grown / 1e6, seen.get(cycles / 4) / 1e6);
    grown(report, "flat." + precision + "." + cycles + " loads", grown);
  }

  private static void grown(Report report, String name, long bytes) {
    double[] share = {MEGABYTES * 1e6 / Math.max(1, bytes)};
    report.finding(Finding.of(name + ".8 MB/growth", share).atLeast(1));
  }

  private static long made(LoadedModel model) {
    return model instanceof OnnxModel own ? own.madeBytes() : 0;
  }

  private static List<Item> items() {
    List<Item> items = new ArrayList<>();
    for (int n = 0; n < 5; n++) {
      int[] tokens = new int[2 + 2 * n];
      List<Integer> exits = new ArrayList<>();
      for (int i = 0; i < tokens.length; i++) {
        tokens[i] = (n + 3 * i) % 16;
        exits.add(i % 2);
      }
      items.add(Item.of("item" + n, Event.ofTokens(tokens)).withForcedExits(exits));
    }
    return items;
  }

  private static ModelSpec spec(int width) {
    FeedForward expert = FeedForward.gated(2 * width, Activation.SILU);
    Block block =
        Block.of(
            Sublayer.preNorm(NORM, Attention.causal(2, width / 2).withRotary(100)),
            Sublayer.preNorm(NORM, new Mixture(4, expert, Routers.mixtral(2))));
    Head head = new Head(Head.Pool.EACH, NORM, 8, false);
    Exit exit = new Exit("early", head, Criterion.confidence(), Bypass.FREEZE_PROJECT);
    Plan plan = Plan.builder().add(block).add(exit).add(block).build();
    Input input = new Input.Tokens(16, 64);
    return new ModelSpec("flat", width, input, Embedding.plain(), plan, head);
  }
}
