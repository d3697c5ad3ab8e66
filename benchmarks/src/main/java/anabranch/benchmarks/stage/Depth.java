package anabranch.benchmarks.stage;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.benchmarks.measure.Contest;
import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Limits;
import anabranch.benchmarks.measure.Report;
import anabranch.benchmarks.measure.Tensors;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Inference;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.model.Embedding;
import anabranch.model.Input;
import anabranch.model.ModelSpec;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.Bypass;
import anabranch.model.layer.FeedForward;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Early exits on one lane and one thread: rows through 8 residual layers in 4 segments, of which a
 * share leaves behind each of the first three, against bare calls of the same kernels at the same
 * numbers of rows, and, where nobody leaves, against the same layers without exits. Who leaves is
 * drawn and forced; the answers of both sides are compared.
 */
public final class Depth {
  private static final int WIDTH = 512;
  private static final int SEGMENTS = 4;
  private static final int LAYERS = 2;
  private static final int ROWS = 512;
  private static final double TOLERANCE = 1e-3;
  private static final double[] LEAVE = {0, 0.25, 0.5};

  /** Calls for each round before the clock counts: until then compilers are at work. */
  private static final int WARM_UPS = 7;

  private static final Norm NORM = new Norm.Rms(1e-5);
  private static final Head HEAD = new Head(Head.Pool.EACH, NORM, 4, false);

  private Depth() {}

  /** Measures 64 and 512 rows. */
  public static void run(String backend, int rounds, Report report) {
    try (Limits limits = new Limits()) {
      run(backend, List.of(64, ROWS), rounds, limits, report);
    }
  }

  static void run(String backend, List<Integer> counts, int rounds, Limits limits, Report report) {
    warmUp(backend);
    try (Weights weights = Weights.random(spec(WIDTH, true), 1);
        Engine with = open(backend, spec(WIDTH, true), weights);
        Engine without = open(backend, spec(WIDTH, false), weights)) {
      for (int i = 0; i < WARM_UPS * rounds; i++) {
        for (double leave : LEAVE) {
          with.infer(item(counts.get(0), leave));
        }
      }
      report.limits(limits.probe());
      for (int rows : counts) {
        for (double leave : LEAVE) {
          measure(with, without, weights, rows, leave, rounds, report);
        }
        report.limits(limits.probe());
      }
    }
  }

  /** Lets the compiler of the JVM see the engine at work, on layers that take no time. */
  private static void warmUp(String backend) {
    ModelSpec narrow = spec(16, true);
    try (Weights weights = Weights.random(narrow, 1);
        Engine engine = open(backend, narrow, weights)) {
      for (int rows : new int[] {64, ROWS}) {
        for (double leave : LEAVE) {
          Item item = item(rows, leave);
          IntStream.range(0, 100_000 / rows).forEach(i -> engine.infer(item));
        }
      }
    }
  }

  private static Item item(int rows, double leave) {
    int[] tokens = IntStream.range(0, rows).toArray();
    return Item.of("rows", Event.ofTokens(tokens)).withForcedExits(steps(rows, leave));
  }

  private static ModelSpec spec(int width, boolean exits) {
    Block layer =
        Block.of(Sublayer.preNorm(NORM, FeedForward.plain(4 * width, Activation.GELU_TANH)));
    Plan.Builder plan = Plan.builder();
    for (int segment = 0; segment < SEGMENTS; segment++) {
      for (int i = 0; i < LAYERS; i++) {
        plan.add(layer);
      }
      if (exits && segment < SEGMENTS - 1) {
        plan.add(new Exit("exit" + segment, HEAD, Criterion.confidence(), Bypass.FREEZE_SHARE_KV));
      }
    }
    Input input = new Input.Tokens(ROWS, ROWS);
    return new ModelSpec("depth", width, input, Embedding.plain(), plan.build(), HEAD);
  }

  private static Engine open(String backend, ModelSpec spec, Weights weights) {
    return Engine.open(
        Backends.named(backend).load(spec, Tensors.part(weights, spec), LoadOptions.defaults()),
        Policy.fullDepth(),
        EngineOptions.defaults().withBatchRows(ROWS));
  }

  private static void measure(
      Engine with,
      Engine without,
      Weights weights,
      int rows,
      double leave,
      int rounds,
      Report report) {
    List<Integer> steps = steps(rows, leave);
    int[] tokens = IntStream.range(0, rows).toArray();
    Item item = item(rows, leave);
    Item last =
        Item.of("rows", Event.ofTokens(tokens)).withForcedExits(Collections.nCopies(rows, 0));
    try (Kernels kernels = new Kernels(spec(WIDTH, true), weights, rows)) {
      kernels.rows().put(0, Tensors.numbers(weights, "embedding.tokens"), 0, rows * WIDTH);
      for (int segment = 0; segment < SEGMENTS; segment++) {
        int from = segment;
        int left = (int) steps.stream().filter(step -> step >= from).count();
        for (int i = 0; i < LAYERS; i++) {
          kernels.prepare(left);
        }
      }
      kernels.run();
      requireSame(with.infer(item), weights, kernels.rows(), steps);
      if (leave == 0) {
        requireSame(with.infer(item), without.infer(last));
      }
      Contest contest =
          new Contest().side("ours", () -> with.infer(item)).side("kernels", kernels::run);
      if (leave == 0) {
        contest.side("without", () -> without.infer(last));
      }
      Map<String, Contest.Times> times = contest.run(5, rounds);
      Contest.Times ours = times.get("ours");
      String name = String.format(Locale.ROOT, "depth.T%d.leave%.0f%%", rows, 100 * leave);
      double[] ratios = ours.busyRatiosOver(times.get("kernels"));
      report.note(
          "%s: ours %.2f ms, kernels %.2f ms",
          name, ours.busyMedian() / 1e6, times.get("kernels").busyMedian() / 1e6);
      Finding realised = Finding.of(name + ".ours/kernels", ratios);
      report.finding(leave == 0 ? realised : realised.atLeast(0.96));
      if (leave == 0) {
        double[] overhead = ours.busyRatiosOver(times.get("without"));
        report.finding(Finding.of(name + ".ours/without exits", overhead).atLeast(0.97));
      }
    }
  }

  /** Returns the step at which each row leaves: those that leave last come first. */
  private static List<Integer> steps(int rows, double leave) {
    SplittableRandom random = new SplittableRandom(7);
    List<Integer> steps = new ArrayList<>();
    for (int row = 0; row < rows; row++) {
      int step = 0;
      while (step < SEGMENTS - 1 && random.nextDouble() >= leave) {
        step++;
      }
      steps.add(step);
    }
    return steps.stream().sorted(Collections.reverseOrder()).toList();
  }

  /** Layers come in pairs, so that the rows of the kernels end where they began. */
  private static void requireSame(
      Inference ours, Weights weights, FloatBuffer rows, List<Integer> steps) {
    float[] row = new float[WIDTH];
    for (int unit = 0; unit < steps.size(); unit++) {
      rows.get(unit * WIDTH, row);
      int step = steps.get(unit);
      String path = step == SEGMENTS - 1 ? "head" : "exits.exit" + step;
      double[] logits = Tensors.head(weights, path, row, NORM.epsilon());
      for (int c = 0; c < logits.length; c++) {
        if (!(Math.abs(logits[c] - ours.logits(unit).get(c)) <= TOLERANCE)) {
          throw new AssertionError(
              "row " + unit + ": " + logits[c] + " differs from " + ours.logits(unit).get(c));
        }
      }
    }
  }

  private static void requireSame(Inference one, Inference other) {
    for (int row = 0; row < one.units(); row++) {
      float[] left = new float[one.outputs()];
      float[] right = new float[left.length];
      one.logits(row).get(left);
      other.logits(row).get(right);
      for (int c = 0; c < left.length; c++) {
        if (!(Math.abs(left[c] - right[c]) <= TOLERANCE)) {
          throw new AssertionError(
              "row " + row + ": " + Arrays.toString(left) + " and " + Arrays.toString(right));
        }
      }
    }
  }
}
