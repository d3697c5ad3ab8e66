package anabranch.benchmarks.gpu;

import anabranch.backend.LoadOptions;
import anabranch.backend.Numerics;
import anabranch.benchmarks.measure.Contest;
import anabranch.benchmarks.measure.Finding;
import anabranch.benchmarks.measure.Report;
import anabranch.conformance.Kit;
import anabranch.engine.Backends;
import anabranch.onnx.session.NativeRuntime;
import anabranch.onnx.session.Session;
import anabranch.onnx.session.Target;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * What a GPU makes of a large routed layer and of a whole model, in time that passes. On the CPU
 * everything runs as well, and no verdict but {@code unmeasured} is given: it is a rehearsal.
 */
public final class Gpu {
  private static final String CUDA = "cuda:";
  private static final int WARM_UPS = 3;

  final String backend;
  final LoadOptions options;
  final int rounds;
  final Report report;
  final Numerics numerics;

  private Gpu(String backend, LoadOptions options, int rounds, Report report) {
    this.backend = backend;
    this.options = options;
    this.rounds = rounds;
    this.report = report;
    numerics = Kit.numerics(Backends.named(backend), options);
    report.ran(numerics);
  }

  /**
   * Measures, or rehearses.
   *
   * @param size {@code full}, {@code middle} or {@code tiny}
   * @param options where the models run, and in which numbers
   * @param python starts a Python that may have PyTorch
   * @param script times the grouped kernels of PyTorch
   * @return whether it ran on a GPU
   */
  public static boolean run(
      String backend,
      String size,
      LoadOptions options,
      int rounds,
      List<String> python,
      Path script,
      Report report) {
    Size chosen = Size.named(size);
    Gpu gpu = new Gpu(backend, options, rounds, report);
    report.note(
        gpu.onCuda()
            ? "measured on " + gpu.numerics.device()
            : "a rehearsal on " + gpu.numerics.device() + ": nothing here was measured on a GPU");
    new Copies(gpu).run(chosen);
    new RoutedLayer(gpu, chosen).run(python, script);
    new WholeModel(gpu, chosen).run();
    return gpu.onCuda();
  }

  /** Returns whether what is measured here counts. */
  boolean onCuda() {
    return numerics.device().startsWith(CUDA);
  }

  /** Returns where sessions made by hand run: beside the models. */
  Target target() {
    return onCuda()
        ? new Target(Integer.parseInt(numerics.device().substring(CUDA.length())), false)
        : Session.CPU;
  }

  /** Returns the runtime of sessions made by hand. */
  static NativeRuntime runtime() {
    return NativeRuntime.get(1);
  }

  /** Returns the nanoseconds that each round of some work takes. */
  long[] time(Runnable work) {
    return new Contest().side("work", work).run(WARM_UPS, rounds).get("work").elapsed();
  }

  /** Returns the nanoseconds that each round of some works takes, in turns. */
  List<long[]> race(Map<String, Runnable> works) {
    Contest contest = new Contest();
    works.forEach(contest::side);
    Map<String, Contest.Times> times = contest.run(WARM_UPS, rounds);
    return works.keySet().stream().map(name -> times.get(name).elapsed()).toList();
  }

  /** Notes how many times as long {@code other} takes as {@code own}, round by round. */
  void compare(String name, long[] own, long[] other, double goal) {
    double[] ratios = new double[own.length];
    Arrays.setAll(ratios, round -> (double) other[round] / own[round]);
    Finding finding = Finding.of(name, ratios);
    finding = Double.isNaN(goal) ? finding : finding.atLeast(goal);
    report.finding(onCuda() ? finding : finding.rehearsed());
  }

  static double millis(long[] nanos) {
    return Contest.median(Arrays.stream(nanos).asDoubleStream().toArray()) / 1e6;
  }
}
