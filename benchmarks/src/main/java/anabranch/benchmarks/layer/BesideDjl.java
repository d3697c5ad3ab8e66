package anabranch.benchmarks.layer;

import anabranch.benchmarks.measure.Contest;
import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Limits;
import anabranch.benchmarks.measure.Report;
import anabranch.benchmarks.process.Child;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/**
 * Our routed layer beside the same layer in NDArrays of DJL, each on one thread in a process of its
 * own, in turn, with answers that are compared first. Beside each stands its floor, the experts
 * alone on rows that lie grouped already: how the floors differ is how the products of two
 * libraries differ, and nothing of ours. What DJL takes over our floor is the most that ours could
 * reach, because our products are the runtime's whatever is around them.
 */
public final class BesideDjl {
  private static final Shape SHAPE = new Shape(512, 2048, 8, 2, 0);
  private static final int WARM_UPS = 3;
  private static final int WARM = 10_000;
  private static final int MANY = 512;

  /** How many times the calling thread's time all threads of a process may take. */
  private static final double THREADS = 1.2;

  private static final ThreadMXBean CLOCK = ManagementFactory.getThreadMXBean();

  private final Bench bench;
  private final Child djl;
  private final Report report;

  /** GFLOP/s of products of large matrices by our runtime. */
  private final double products;

  private BesideDjl(Bench bench, Child djl, double products, Report report) {
    this.bench = bench;
    this.djl = djl;
    this.products = products;
    this.report = report;
  }

  /** One side of the contest. */
  private interface Side {
    /** Runs so many times; returns the nanoseconds of one that passed, and those that it ran. */
    double[] run(int times);
  }

  /**
   * Measures.
   *
   * @param start starts the other side with the arguments that it asks for
   * @param folder for files that they hand to each other
   */
  public static void run(
      Function<List<String>, Child> start, Path folder, String backend, int rounds, Report report) {
    run(start, folder, SHAPE, backend, rounds, report);
  }

  static void run(
      Function<List<String>, Child> start,
      Path folder,
      Shape shape,
      String backend,
      int rounds,
      Report report) {
    try (Limits limits = new Limits();
        Bench bench = new Bench(shape)) {
      Path file = folder.resolve("layer");
      write(bench, file);
      List<String> arguments = new ArrayList<>(List.of(file.toString()));
      for (int each :
          new int[] {Shape.ROWS, shape.width(), shape.inner(), shape.experts(), shape.k()}) {
        arguments.add(Integer.toString(each));
      }
      try (Child djl = start.apply(arguments)) {
        djl.hear();
        Limits.Seen seen = limits.probe();
        report.limits(seen);
        BesideDjl contest = new BesideDjl(bench, djl, seen.gemm(), report);
        contest.measure(backend, folder, "T1.cold", 1, 1, 5 * rounds);
        contest.measure(backend, folder, "T1.warm", 1, 16, 2 * rounds);
        contest.measure(backend, folder, "T16", 16, 4, rounds);
        contest.measure(backend, folder, "T64", 64, 4, rounds);
        contest.measure(backend, folder, "T512", 512, 1, rounds);
        contest.measure(backend, folder, "T2048", 2048, 1, rounds);
        report.limits(limits.probe());
      }
    }
  }

  /**
   * Measures some rows; so many runs in a row find the nearer caches as the one before left them.
   */
  private void measure(String backend, Path folder, String name, int count, int times, int rounds) {
    try (Ours ours = new Ours(bench, backend, count);
        PerExpert plain = new PerExpert(bench, count);
        Grouped floor = Grouped.of(bench, plain.picks())) {
      Path result = folder.resolve("result");
      djl.ask("result " + count + " " + result);
      Layers.requireSame("DJL", ours.result(), bench.head(read(result)));
      Map<String, Side> sides = new LinkedHashMap<>();
      sides.put("ours", runs -> time(ours, runs));
      sides.put("DJL", runs -> ask("layer", count, runs));
      sides.put("our floor", runs -> time(floor, runs));
      // One row's experts fit into the caches, where DJL's floor would leave them for DJL.
      if (count > 1) {
        sides.put("DJL's floor", runs -> ask("floor", count, runs));
      }
      Map<String, double[]> spent = new LinkedHashMap<>();
      Map<String, double[]> passed = new LinkedHashMap<>();
      for (Map.Entry<String, Side> side : sides.entrySet()) {
        // The compilers of both JVMs see enough of a short run only if it is repeated.
        side.getValue().run(WARM / (count + 20));
        spent.put(side.getKey(), new double[rounds]);
        passed.put(side.getKey(), new double[rounds]);
      }
      for (int round = -WARM_UPS; round < rounds; round++) {
        for (Map.Entry<String, Side> side : sides.entrySet()) {
          double[] seen = side.getValue().run(times);
          if (round >= 0) {
            passed.get(side.getKey())[round] = seen[0];
            spent.get(side.getKey())[round] = seen[1];
          }
        }
      }
      report("djl." + bench.shape + "." + name, count, spent, passed);
    }
  }

  private void report(
      String name, int count, Map<String, double[]> spent, Map<String, double[]> passed) {
    List<String> figures = new ArrayList<>();
    for (String side : spent.keySet()) {
      figures.add(
          String.format(
              Locale.ROOT,
              "%s %.0f us (%.0f passed)",
              side,
              Contest.median(spent.get(side)) / 1e3,
              Contest.median(passed.get(side)) / 1e3));
    }
    report.note("%s: %s", name, String.join(", ", figures));
    Finding ratio =
        finding(name, spent, "ours", "DJL")
            .withFloor(Contest.median(ratios(spent, "our floor", "DJL")));
    report.finding(count == 1 ? ratio.atLeast(1) : count < MANY ? ratio : ratio.atLeast(1.9));
    report.finding(finding(name, spent, "ours", "our floor"));
    if (count > 1) {
      report.finding(finding(name, spent, "DJL", "DJL's floor"));
      report.finding(finding(name, spent, "our floor", "DJL's floor"));
    }
    report.finding(finding(name + ".passed", passed, "ours", "DJL"));
    if (count >= MANY) {
      profile(name, count, spent);
    }
  }

  /** Says where our time goes, and what products at the best rate of the runtime would be worth. */
  private void profile(String name, int count, Map<String, double[]> spent) {
    Shape shape = bench.shape;
    double flops = 4.0 * count * shape.k() * shape.width() * shape.inner();
    double floor = Contest.median(spent.get("our floor"));
    double ours = Contest.median(spent.get("ours"));
    report.note(
        "%s: %.1f %% of ours are the products of experts and copies of rows, at %.1f GFLOP/s, the"
            + " rest routes, gathers and adds up; at the %.1f GFLOP/s of large matrices products alone would be %.3f"
            + " times as fast as DJL's layer",
        name,
        100 * floor / ours,
        flops / floor,
        products,
        Contest.median(spent.get("DJL")) * products / flops);
  }

  private static Finding finding(
      String name, Map<String, double[]> times, String side, String other) {
    return Finding.of(name + "." + side + "/" + other, ratios(times, side, other));
  }

  private static double[] ratios(Map<String, double[]> times, String side, String other) {
    double[] ratios = times.get(other).clone();
    Arrays.setAll(ratios, round -> ratios[round] / times.get(side)[round]);
    return ratios;
  }

  /** Returns the nanoseconds of one run that passed, and those that this thread ran. */
  private static double[] time(Way way, int times) {
    long busy = CLOCK.getCurrentThreadCpuTime();
    long start = System.nanoTime();
    for (int i = 0; i < times; i++) {
      way.run();
    }
    double elapsed = System.nanoTime() - start;
    double spent = CLOCK.getCurrentThreadCpuTime() - busy;
    return new double[] {elapsed / times, spent / times};
  }

  private double[] ask(String what, int count, int times) {
    String[] words = djl.ask(what + " " + count + " " + times).split(" ");
    double[] seen = Arrays.stream(words).mapToDouble(Double::parseDouble).toArray();
    if (count >= MANY && seen[2] > THREADS * seen[1]) {
      throw new AssertionError("DJL runs on more than its calling thread: " + words[2] + " ns");
    }
    return new double[] {seen[0] / times, seen[1] / times};
  }

  /** Writes the rows and the weights of a layer. */
  private static void write(Bench bench, Path file) {
    List<String> names = new ArrayList<>();
    names.add("embedding.tokens");
    names.add(bench.name("router.weight"));
    for (int e = 0; e < bench.shape.experts(); e++) {
      names.add(bench.name("experts." + e + ".up.weight"));
      names.add(bench.name("experts." + e + ".down.weight"));
    }
    try (FileChannel out =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      for (String name : names) {
        int numbers = Math.toIntExact(bench.weights.tensor(name).elements());
        ByteBuffer bytes = ByteBuffer.allocate(4 * numbers).order(ByteOrder.LITTLE_ENDIAN);
        bench.weights.tensor(name).copyTo(bytes.asFloatBuffer());
        while (bytes.hasRemaining()) {
          out.write(bytes);
        }
      }
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  private static float[] read(Path file) {
    try {
      byte[] bytes = Files.readAllBytes(file);
      float[] numbers = new float[bytes.length / 4];
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(numbers);
      return numbers;
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
