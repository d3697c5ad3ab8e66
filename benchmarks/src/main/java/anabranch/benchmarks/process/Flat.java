package anabranch.benchmarks.process;

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
import anabranch.weights.Weights;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Memory over many steps of a small model, and over models that are loaded, used and closed: in
 * fp32 and in 8 bits, each in a JVM of its own whose heap is whole from the start and whose C
 * library gives back what was freed. What still grows is what loaded models keep, and code that the
 * JVM compiles.
 */
public final class Flat {
  private static final int WIDTH = 32;
  private static final int LARGE = 256;
  private static final double MEGABYTES = 8;

  /** Less is not told apart. */
  private static final double LEAST = 0.1;

  private static final Duration LIFE = Duration.ofHours(2);
  private static final Norm NORM = new Norm.Rms(1e-5);

  /** Other collectors keep books that grow for a while. */
  private static final List<String> FIXED =
      List.of("-Xms128m", "-Xmx128m", "-XX:+AlwaysPreTouch", "-XX:+UseSerialGC");

  private static final Map<String, String> GIVES_BACK =
      Map.of(
          "MALLOC_ARENA_MAX", "2",
          "MALLOC_MMAP_THRESHOLD_", "65536",
          "MALLOC_TRIM_THRESHOLD_", "131072");

  private Flat() {}

  /**
   * Measures.
   *
   * @param steps calls of stages, half of them in each precision
   * @param cycles how often a model is loaded and closed
   */
  public static void run(String backend, int steps, int cycles, Report report) {
    for (Precision precision : List.of(Precision.FP32, Precision.INT8)) {
      List<String> arguments =
          List.of(backend, precision.name(), Integer.toString(steps / 2), Integer.toString(cycles));
      try (Child child =
          new Child(
              System.getProperty("java.class.path"),
              Flat.class.getName(),
              FIXED,
              GIVES_BACK,
              LIFE,
              arguments)) {
        for (String what : List.of(steps / 2 + " steps", cycles + " loads")) {
          double megabytes = Double.parseDouble(child.hear());
          report.note("flat.%s.%s: %s", precision, what, child.hear());
          double[] share = {MEGABYTES / Math.max(LEAST, megabytes)};
          String name = "flat." + precision + "." + what + ".8 MB/growth";
          report.finding(Finding.of(name, share).atLeast(1));
        }
      }
    }
  }

  /** Says by how many megabytes memory grew, and a line about it: over steps, then over loads. */
  public static void main(String[] args) {
    Precision precision = Precision.valueOf(args[1]);
    LoadOptions options =
        OnnxOptions.defaults().withPrecision(precision).into(LoadOptions.defaults());
    steps(args[0], options, Integer.parseInt(args[2]));
    cycles(args[0], options, Integer.parseInt(args[3]));
  }

  /** What is in memory at one moment. */
  private record Seen(long anonymous, long heap, long code) {
    static Seen now() {
      return new Seen(Memory.anonymousBytes(), Memory.heapBytes(), Memory.codeBytes());
    }

    /** The heap is all there from the start, so that what it holds counts beside. */
    long growth(Seen before) {
      return anonymous - before.anonymous + heap - before.heap;
    }

    void say(Seen before, String more) {
      System.out.println(growth(before) / 1e6);
      System.out.printf(
          Locale.ROOT,
          "behind the first quarter memory grew by %.2f MB from %.1f MB, of which %.2f MB is more"
              + " code that the JVM compiled and %.2f MB more that the heap holds%s%n",
          growth(before) / 1e6,
          before.anonymous / 1e6,
          (code - before.code) / 1e6,
          (heap - before.heap) / 1e6,
          more);
    }
  }

  private static void steps(String backend, LoadOptions options, int steps) {
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
        Seen before = Seen.now();
        long made = Memory.directBytes(model);
        while (done < steps) {
          done += each;
          engine.infer(items.get(done % items.size()));
        }
        String more =
            "; direct memory of calls grew by " + (Memory.directBytes(model) - made) + " bytes";
        Seen.now().say(before, more);
      }
    }
  }

  private static void cycles(String backend, LoadOptions options, int cycles) {
    ModelSpec spec = spec(LARGE);
    List<Seen> seen = new ArrayList<>();
    try (Weights weights = Weights.random(spec, 1)) {
      for (int cycle = 0; cycle < cycles; cycle++) {
        LoadedModel model = Backends.named(backend).load(spec, weights, options);
        try (Engine engine = Engine.open(model, Policy.fullDepth())) {
          items().forEach(engine::infer);
        }
        seen.add(Seen.now());
      }
    }
    seen.get(cycles - 1).say(seen.get(cycles / 4), "");
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
