package anabranch.benchmarks.process;

import anabranch.backend.LoadOptions;
import anabranch.benchmarks.measure.Contest;
import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Memory;
import anabranch.benchmarks.measure.Report;
import anabranch.engine.Engine;
import anabranch.engine.EngineOptions;
import anabranch.engine.Lease;
import anabranch.engine.Policy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The anonymous memory of JVMs in which 1, 2, 4 and 8 tasks share a model of 67 MB, each with a
 * lease and a thread of its own, and all together make as many calls: what each task adds to the
 * first.
 */
public final class Tasks {
  private static final int ROWS = 16;

  /** Calls of all tasks together: the JVM compiles alike however many share them. */
  private static final int CALLS = 800;

  private static final double MOST_MEGABYTES = 1;
  private static final List<String> FIXED =
      List.of("-Xms128m", "-Xmx128m", "-XX:+AlwaysPreTouch", "-Xss512k");

  private Tasks() {}

  /** Measures; a round is four JVMs. */
  public static void run(Path weights, int rounds, Report report) {
    int[] counts = {1, 2, 4, 8};
    double[][] megabytes = new double[counts.length][rounds];
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < counts.length; i++) {
        try (Child child =
            new Child(Tasks.class, FIXED, weights.toString(), Integer.toString(counts[i]))) {
          megabytes[i][round] = Double.parseDouble(child.hear());
        }
      }
    }
    for (int i = 0; i < counts.length; i++) {
      report.note("tasks: %d share %.1f MB", counts[i], Contest.median(megabytes[i]));
    }
    double[] share = new double[rounds];
    double[] each = new double[rounds];
    for (int round = 0; round < rounds; round++) {
      int at = round;
      double[] seen = Arrays.stream(megabytes).mapToDouble(of -> of[at]).toArray();
      each[round] = slope(counts, seen);
      share[round] = MOST_MEGABYTES / Math.max(0.01, each[round]);
    }
    report.note("tasks: each adds %.2f MB", Contest.median(each));
    report.finding(Finding.of("tasks.1 MB/what a task adds", share).atLeast(1));
  }

  /** Returns by how much the line rises for one more that is nearest to all points. */
  static double slope(int[] at, double[] seen) {
    double middle = Arrays.stream(at).average().orElseThrow();
    double over = 0;
    double under = 0;
    for (int i = 0; i < at.length; i++) {
      over += (at[i] - middle) * seen[i];
      under += (at[i] - middle) * (at[i] - middle);
    }
    return over / under;
  }

  /** Says how many megabytes of anonymous memory there are while all tasks hold their leases. */
  public static void main(String[] args) throws InterruptedException {
    int tasks = Integer.parseInt(args[1]);
    try (Engine engine =
        Engine.open(
            Wide.load("onnx", Path.of(args[0]), LoadOptions.defaults()),
            Policy.fullDepth(),
            EngineOptions.defaults().withBatchRows(ROWS))) {
      List<Thread> threads = new ArrayList<>();
      List<Lease> leases = new ArrayList<>();
      for (int task = 0; task < tasks; task++) {
        Lease lease = engine.lease(ROWS);
        leases.add(lease);
        Thread thread =
            new Thread(
                () -> {
                  for (int call = 0; call < CALLS / tasks; call++) {
                    lease.submit(Wide.item(ROWS)).join();
                  }
                });
        threads.add(thread);
        thread.start();
      }
      for (Thread thread : threads) {
        thread.join();
      }
      System.out.printf(Locale.ROOT, "%.2f%n", Memory.anonymousBytes() / (double) (1 << 20));
      leases.forEach(Lease::close);
    }
  }
}
