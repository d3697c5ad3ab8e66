package anabranch.benchmarks.layer;

import anabranch.backend.LoadOptions;
import anabranch.benchmarks.measure.Contest;
import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Limits;
import anabranch.benchmarks.measure.Report;
import anabranch.onnx.Experts;
import anabranch.onnx.OnnxOptions;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * One routed layer on one thread: our stage against the floor of its grouped experts, against the
 * bytes that it has to read, and against other ways on the same runtime. Times are those of the
 * processor; all ways that compute the layer are compared with ours first. The ways have weights of
 * their own and run in turn, so each finds the nearer caches full of other numbers.
 */
public final class Layers {
  private static final double TOLERANCE = 1e-4;
  private static final int WARM_UPS = 3;

  /** The most rows for which reading the weights is what takes the time. */
  private static final int FEW = 16;

  /** Each expert, and all of them in one graph: what is compared with the best of both. */
  private static final LoadOptions TOGETHER =
      OnnxOptions.defaults().withExperts(Experts.TOGETHER).into(LoadOptions.defaults());

  private static final Shape LARGE = new Shape(512, 2048, 8, 2, 0);
  private static final Shape FINE = new Shape(512, 256, 64, 8, 0);

  private final String backend;
  private final int rounds;
  private final Report report;

  private Layers(String backend, int rounds, Report report) {
    this.backend = backend;
    this.rounds = rounds;
    this.report = report;
  }

  /** Measures a layer of few large experts and one of many small ones, both also skewed. */
  public static void run(String backend, int rounds, Report report) {
    try (Limits limits = new Limits()) {
      List<Shape> shapes = List.of(LARGE, LARGE.skewed(1), FINE, FINE.skewed(1));
      run(backend, shapes, List.of(1, 16, 64, 512, 2048), rounds, limits, report);
    }
  }

  /**
   * Measures.
   *
   * @param counts of rows
   */
  static void run(
      String backend,
      List<Shape> shapes,
      List<Integer> counts,
      int rounds,
      Limits limits,
      Report report) {
    Layers layers = new Layers(backend, rounds, report);
    layers.warmUp();
    report.note(
        "layer: ours has each expert once; together is ours with onnx.experts=together, which has"
            + " experts twice and answers with the same bits. No plan with one copy is the best at"
            + " every size, so the goal beside the stable plans, once of ours, is for together");
    report.limits(limits.probe());
    for (Shape shape : shapes) {
      for (int count : counts) {
        layers.measure(shape, count, limits);
      }
      report.limits(limits.probe());
    }
  }

  /** Lets the compiler of the JVM see all ways, on a layer so small that it takes a moment. */
  private void warmUp() {
    Shape small = new Shape(64, 64, 8, 2, 0);
    for (int count : new int[] {1, 16, 256}) {
      try (Bench bench = new Bench(small);
          Ours ours = new Ours(bench, backend, count);
          Ours together = new Ours(bench, backend, count, TOGETHER);
          PerExpert plain = new PerExpert(bench, count);
          Grouped floor = Grouped.of(bench, plain.picks());
          Grouped kernels = Grouped.behindRouter(bench, plain.picks())) {
        for (int i = 0; i < 200_000 / (count + 20); i++) {
          ours.run();
          together.run();
          plain.run();
          floor.run();
          kernels.run();
        }
      }
    }
  }

  private void measure(Shape shape, int count, Limits limits) {
    try (Bench bench = new Bench(shape);
        Ours ours = new Ours(bench, backend, count);
        Ours together = new Ours(bench, backend, count, TOGETHER);
        PerExpert plain = new PerExpert(bench, count);
        Grouped floor = Grouped.of(bench, plain.picks());
        Grouped kernels = Grouped.behindRouter(bench, plain.picks());
        OneGraph sorted = OneGraph.sorted(bench, count);
        OneGraph fused = OneGraph.fused(bench, count);
        OneGraph masked = OneGraph.masked(bench, count)) {
      Map<String, Way> others = new LinkedHashMap<>();
      others.put("sessions", plain);
      others.put("sorted", sorted);
      others.put("fused", fused);
      others.put("masked", masked);
      float[] own = ours.result();
      others.forEach((name, way) -> requireSame(name, own, bench.head(way.result())));
      if (!Arrays.equals(own, together.result())) {
        throw new AssertionError("experts together gave other bits");
      }
      Contest contest = new Contest().side("ours", ours::run).side("together", together::run);
      contest.side("floor", floor::run);
      if (count <= FEW) {
        contest.side("kernels", kernels::run);
      }
      others.forEach((name, way) -> contest.side(name, way::run));
      // Short runs are noisier: more of them.
      int times = count < 16 ? 5 * rounds : rounds;
      report(shape, count, contest.run(WARM_UPS, times), plain.picks(), limits);
    }
  }

  private void report(
      Shape shape, int count, Map<String, Contest.Times> times, Picks picks, Limits limits) {
    String name = "layer." + shape + ".T" + count;
    Contest.Times ours = times.get("ours");
    report.note(
        "%s: %s",
        name,
        times.entrySet().stream()
            .map(each -> each.getKey() + " " + micros(each.getValue()) + " us")
            .collect(Collectors.joining(", ")));
    boolean large = shape.inner() == LARGE.inner();
    double goal =
        count < 16 ? Double.NaN : large ? (count < 64 ? 0.9 : 0.95) : count < 512 ? 0.9 : 0.85;
    finding(name + ".ours/floor", ours.busyRatiosOver(times.get("floor")), goal);
    best(name + ".ours/best of the stable plans", ours, times, Double.NaN);
    best(name + ".together/best of the stable plans", times.get("together"), times, 0.97);
    finding(name + ".ours/fused", ours.busyRatiosOver(times.get("fused")), Double.NaN);
    double masked = !shape.equals(LARGE) || count < 512 ? Double.NaN : count < 2048 ? 3.2 : 3.5;
    finding(name + ".ours/masked", ours.busyRatiosOver(times.get("masked")), masked);
    if (count <= FEW) {
      double networks = 2.0 * picks.touched() * shape.inner() + shape.experts();
      double bytes = 4 * networks * shape.width();
      double bound = bytes / limits.probe().read();
      double[] ratios = Arrays.stream(ours.busy()).mapToDouble(nanos -> bound / nanos).toArray();
      double floor = bound / times.get("kernels").busyMedian();
      report.finding(Finding.of(name + ".ours/read bound", ratios).atLeast(0.75).withFloor(floor));
    }
  }

  private void best(String name, Contest.Times of, Map<String, Contest.Times> times, double goal) {
    double[] best = new double[of.busy().length];
    Arrays.fill(best, Double.MAX_VALUE);
    for (String stable : List.of("sessions", "sorted")) {
      double[] ratios = of.busyRatiosOver(times.get(stable));
      Arrays.setAll(best, round -> Math.min(best[round], ratios[round]));
    }
    finding(name, best, goal);
  }

  private void finding(String name, double[] ratios, double goal) {
    Finding finding = Finding.of(name, ratios);
    report.finding(Double.isNaN(goal) ? finding : finding.atLeast(goal));
  }

  private static String micros(Contest.Times times) {
    return String.format(Locale.ROOT, "%.0f", times.busyMedian() / 1e3);
  }

  static void requireSame(String name, float[] own, float[] other) {
    for (int i = 0; i < own.length; i++) {
      if (!(Math.abs(own[i] - other[i]) <= TOLERANCE * (1 + Math.abs(own[i])))) {
        throw new AssertionError(
            "number " + i + " of " + name + " is " + other[i] + ", ours is " + own[i]);
      }
    }
  }
}
