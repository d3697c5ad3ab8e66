package anabranch.benchmarks.stage;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.Trace;
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
import anabranch.model.layer.Mixture;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Operation;
import anabranch.model.layer.Skip;
import anabranch.model.layer.Sublayer;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Head;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import anabranch.model.route.Routers;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;

/**
 * What rows that skip a block, take a narrower one, are dropped, or need not be padded are worth,
 * on one lane and one thread: how many times as fast our model becomes, over how many times as fast
 * bare calls of the same networks become at the same numbers of rows. All layers are feed-forward;
 * each row says in its first number how much of a layer it takes, and no layer changes that number.
 */
public final class Savings {
  private static final int WIDTH = 512;
  private static final int ROWS = 512;
  private static final int LAYERS = 4;
  private static final int SLICES = 8;
  private static final int ITEMS = 8;
  private static final double GOAL = 0.9;
  private static final Norm NORM = new Norm.Rms(1e-5);

  private final String backend;
  private final int width;
  private final int rows;
  private final int rounds;
  private final Report report;

  private Savings(String backend, int width, int rows, int rounds, Report report) {
    this.backend = backend;
    this.width = width;
    this.rows = rows;
    this.rounds = rounds;
    this.report = report;
  }

  /** Measures 512 rows. */
  public static void run(String backend, int rounds, Report report) {
    new Savings(backend, 80, ROWS, 30, new Report("warm up", line -> {})).all();
    try (Limits limits = new Limits()) {
      report.limits(limits.probe());
      run(backend, WIDTH, ROWS, rounds, report);
      report.limits(limits.probe());
    }
  }

  static void run(String backend, int width, int rows, int rounds, Report report) {
    new Savings(backend, width, rows, rounds, report).all();
  }

  private void all() {
    for (double share : new double[] {0.125, 0.25, 0.5}) {
      skip(share);
    }
    nested();
    prune();
    packed();
  }

  /** A side that takes all and one that takes part, and how many rows each network of it sees. */
  private record Side(Item item, int[] rows) {}

  /** Rows whose first number is not positive skip each network. */
  private void skip(double share) {
    Operation network = network(4 * width);
    Skip skip = new Skip(Routers.mixtureOfDepthsCausal(), network, Bypass.MASK);
    ModelSpec spec = spec("skip", plan(layer -> new Sublayer("network", NORM, skip, null, null)));
    int run = (int) Math.round(rows * (1 - share));
    Side all = new Side(item(row -> 1), counts(rows));
    Side part = new Side(item(row -> row < run ? 1 : -1), counts(run));
    compare(String.format(Locale.ROOT, "skip.%.1f%%", 100 * share), spec, 4 * width, all, part);
  }

  /** A network in slices, of which a row takes the first ones, as wide as it needs. */
  private void nested() {
    int slice = 4 * width / SLICES;
    Mixture slices =
        new Mixture(
            SLICES,
            FeedForward.plain(slice, Activation.GELU_TANH),
            Routers.adaptiveComputation(true));
    ModelSpec spec = spec("nested", plan(layer -> Sublayer.preNorm(NORM, slices)));
    int[] all = new int[LAYERS * SLICES];
    int[] part = new int[LAYERS * SLICES];
    Arrays.fill(all, rows);
    for (int i = 0; i < part.length; i++) {
      int number = i % SLICES;
      part[i] = (int) IntStream.range(0, rows).filter(row -> row % SLICES >= number).count();
    }
    compare(
        "nested.8 to 1 of 8 slices",
        spec,
        slice,
        new Side(item(row -> SLICES), all),
        new Side(item(row -> 1 + row % SLICES), part));
  }

  /** Half of the rows are dropped behind the first layer. */
  private void prune() {
    Block layer = Block.of(Sublayer.preNorm(NORM, network(4 * width)));
    Plan.Builder plan = Plan.builder().add(layer);
    plan.add(new Prune("prune", Criterion.Score.LEARNED, List.of()));
    for (int i = 1; i < LAYERS; i++) {
      plan.add(layer);
    }
    ModelSpec spec = spec("prune", plan.build());
    Item item = item(row -> row % 2 == 0 ? 1 : -1);
    int[] part = counts(rows / 2);
    part[0] = rows;
    compare(
        "prune.50%",
        spec,
        4 * width,
        new Side(item, counts(rows)),
        new Side(item.withPolicy(Policy.named("half").with("prune", 0.5)), part));
  }

  private static int[] counts(int rows) {
    int[] counts = new int[LAYERS];
    Arrays.fill(counts, rows);
    return counts;
  }

  /** Items of all lengths, beside the same padded to the longest. */
  private void packed() {
    ModelSpec spec = spec("packed", plan(layer -> Sublayer.preNorm(NORM, network(4 * width))));
    int longest = rows / ITEMS;
    List<Item> padded = new ArrayList<>();
    List<Item> packed = new ArrayList<>();
    int sum = 0;
    for (int n = 0; n < ITEMS; n++) {
      int length = Math.max(1, longest * (n + 1) / ITEMS);
      padded.add(part(n * longest, longest));
      packed.add(part(n * longest, length));
      sum += length;
    }
    try (Weights weights = weights(spec);
        Engine engine = open(spec, weights);
        Kernels full = kernels(4 * width, counts(rows));
        Kernels half = kernels(4 * width, counts(sum))) {
      Map<String, Contest.Times> times =
          new Contest()
              .side("all", () -> answer(engine, padded))
              .side("part", () -> answer(engine, packed))
              .side("kernels all", full::run)
              .side("kernels part", half::run)
              .run(5, rounds);
      finding(String.format(Locale.ROOT, "packed.%d of %d rows", sum, rows), times);
    }
  }

  private static void answer(Engine engine, List<Item> items) {
    engine.submitAll(items).forEach(answer -> answer.join());
  }

  private Item part(int from, int length) {
    float[] values = new float[length * width];
    for (int i = 0; i < length; i++) {
      values[i * width] = 1;
      values[i * width + 1 + (from + i) % (width - 1)] = 1;
    }
    return Item.of("part" + from, Event.ofFeatures(width, values));
  }

  private void compare(String name, ModelSpec spec, int inner, Side all, Side part) {
    try (Weights weights = weights(spec);
        Engine engine = open(spec, weights);
        Kernels full = kernels(inner, all.rows);
        Kernels half = kernels(inner, part.rows)) {
      requireRows(engine, all);
      requireRows(engine, part);
      Map<String, Contest.Times> times =
          new Contest()
              .side("all", () -> engine.infer(all.item))
              .side("part", () -> engine.infer(part.item))
              .side("kernels all", full::run)
              .side("kernels part", half::run)
              .run(5, rounds);
      finding(name, times);
    }
  }

  /** Fails unless the networks of a side saw as many rows as its kernels do. */
  private void requireRows(Engine engine, Side side) {
    Inference answer = engine.infer(side.item);
    long ran = 0;
    for (Trace.Choices choices : answer.choices()) {
      for (int i = 0; i < choices.experts().remaining(); i++) {
        ran += choices.experts().get(i) == -1 ? 0 : 1;
      }
    }
    long expected = IntStream.of(side.rows).sum();
    if (!answer.choices().isEmpty() && ran != expected) {
      throw new AssertionError(ran + " rows ran instead of " + expected);
    }
    if (answer.choices().isEmpty() && answer.positions().length != side.rows[LAYERS - 1]) {
      throw new AssertionError(answer.positions().length + " rows stayed");
    }
  }

  private void finding(String name, Map<String, Contest.Times> times) {
    double[] ours = times.get("part").busyRatiosOver(times.get("all"));
    double[] floor = times.get("kernels part").busyRatiosOver(times.get("kernels all"));
    double[] ratios = new double[ours.length];
    Arrays.setAll(ratios, round -> ours[round] / floor[round]);
    report.note(
        "savings.%s: ours %.2f to %.2f ms, %.2f times as fast; kernels %.2f to %.2f ms, %.2f times",
        name,
        times.get("all").busyMedian() / 1e6,
        times.get("part").busyMedian() / 1e6,
        Contest.median(ours),
        times.get("kernels all").busyMedian() / 1e6,
        times.get("kernels part").busyMedian() / 1e6,
        Contest.median(floor));
    report.finding(Finding.of("savings." + name + ".realised/predicted", ratios).atLeast(GOAL));
  }

  private Operation network(int inner) {
    return FeedForward.plain(inner, Activation.GELU_TANH);
  }

  private static Plan plan(IntFunction<Sublayer> layers) {
    Plan.Builder plan = Plan.builder();
    for (int layer = 0; layer < LAYERS; layer++) {
      plan.add(Block.of(layers.apply(layer)));
    }
    return plan.build();
  }

  private ModelSpec spec(String name, Plan plan) {
    Input input = new Input.Features(width, rows);
    Head.Pool pool = plan.all(Prune.class).isEmpty() ? Head.Pool.EACH : Head.Pool.MEAN;
    Head head = new Head(pool, NORM, 4, false);
    return new ModelSpec(name, width, input, Embedding.plain(), plan, head);
  }

  /** Returns an event of rows of which each says how much it takes; norms leave them alone. */
  private Item item(IntToDoubleFunction takes) {
    float[] values = new float[rows * width];
    for (int row = 0; row < rows; row++) {
      double own = takes.applyAsDouble(row);
      values[row * width] = (float) own;
      values[row * width + 1 + row % (width - 1)] = (float) Math.sqrt(width - own * own);
    }
    return Item.of("rows", Event.ofFeatures(width, values));
  }

  /** Returns small random weights that let the first number of a row say what it takes. */
  private Weights weights(ModelSpec spec) {
    List<Tensor> tensors = new ArrayList<>();
    try (Weights drawn = Weights.random(spec, 1)) {
      for (String name : drawn.names()) {
        float[] values = Tensors.numbers(drawn, name);
        List<Integer> shape = drawn.tensor(name).shape();
        if (name.equals("embedding.features.weight")) {
          Arrays.fill(values, 0);
          for (int i = 0; i < width; i++) {
            values[i * width + i] = 1;
          }
        } else if (name.equals("embedding.features.bias")) {
          Arrays.fill(values, 0);
        } else if (name.endsWith("before.weight")) {
          Arrays.fill(values, 1);
        } else if (name.endsWith("down.weight")) {
          Arrays.fill(values, 0, shape.get(1), 0);
          for (int i = 0; i < values.length; i++) {
            values[i] *= 1e-3f;
          }
        } else if (name.endsWith(".router.weight") || name.endsWith(".score.weight")) {
          says(values);
        } else if (name.endsWith(".router.bias") || name.endsWith(".score.bias")) {
          biases(values);
        }
        tensors.add(MemoryWeights.tensor(name, shape, values));
      }
    }
    return MemoryWeights.of(tensors);
  }

  /** One logit is the first number; of several, that of the nearest number of slices is largest. */
  private void says(float[] values) {
    Arrays.fill(values, 0);
    int logits = values.length / width;
    for (int n = 0; n < logits; n++) {
      values[n * width] = logits == 1 ? 1 : n;
    }
  }

  private static void biases(float[] values) {
    for (int n = 0; n < values.length; n++) {
      values[n] = values.length == 1 ? 0 : -n * n / 2f;
    }
  }

  private Engine open(ModelSpec spec, Weights weights) {
    return Engine.open(
        Backends.named(backend).load(spec, weights, LoadOptions.defaults()),
        Policy.fullDepth(),
        EngineOptions.defaults().withBatchRows(ROWS).withTrace(true));
  }

  private Kernels kernels(int inner, int[] counts) {
    Block layer = Block.of(Sublayer.preNorm(NORM, network(inner)));
    Plan.Builder plan = Plan.builder();
    IntStream.range(0, counts.length).forEach(i -> plan.add(layer));
    ModelSpec spec = spec("kernels", plan.build());
    try (Weights weights = Weights.random(spec, 1)) {
      Kernels kernels = new Kernels(spec, weights, rows);
      for (int count : counts) {
        kernels.prepare(count);
      }
      return kernels;
    }
  }
}
