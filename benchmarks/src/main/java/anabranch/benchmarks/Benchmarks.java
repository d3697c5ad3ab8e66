package anabranch.benchmarks;

import anabranch.benchmarks.job.FlinkCosts;
import anabranch.benchmarks.layer.Layers;
import anabranch.benchmarks.measure.Limits;
import anabranch.benchmarks.measure.Page;
import anabranch.benchmarks.measure.Report;
import anabranch.benchmarks.process.Starts;
import anabranch.benchmarks.process.Tasks;
import anabranch.benchmarks.process.Threads;
import anabranch.benchmarks.process.Wide;
import anabranch.benchmarks.stage.Bits;
import anabranch.benchmarks.stage.Curves;
import anabranch.benchmarks.stage.Depth;
import anabranch.benchmarks.stage.Flat;
import anabranch.benchmarks.stage.Savings;
import anabranch.benchmarks.stage.Steps;
import anabranch.weights.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Runs a benchmark by name and prints the limits of the machine beside its figures. */
public final class Benchmarks {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  private static final Path RESULTS = ROOT.resolve("benchmarks/target/results");

  private static final int LINES = 128;
  private static final int ROUNDS = Integer.getInteger("benchmarks.rounds", 21);
  private static final int FEW = 7;
  private static final int MEGABYTES = 1024;
  private static final int SWAPS = 20;
  private static final int STEPS = 1_000_000;
  private static final int CYCLES = 20;
  private static final int SWAPPED_LAYERS = 8;

  /** What {@code all} runs, in this order. */
  private static final List<String> ALL =
      List.of(
          "step", "layer", "depth", "bits", "savings", "start", "tasks", "threads", "rebatch",
          "flat", "curves");

  private static final List<String> ALONE = List.of("exits", "checkpoint", "swaps", "flink");

  private Benchmarks() {}

  /** Runs the benchmark that the only argument names, or all. */
  public static void main(String[] args) {
    String name = args.length == 1 ? args[0] : "";
    String backend = System.getProperty("benchmarks.backend", "onnx");
    if (name.equals("all")) {
      ALL.forEach(each -> report(backend, each));
      page();
    } else if (ALL.contains(name)) {
      report(backend, name);
    } else {
      alone(backend, name);
    }
  }

  private static void alone(String backend, String name) {
    switch (name) {
      case "exits" -> exits(backend);
      case "checkpoint" -> checkpoint(backend);
      case "swaps" -> Swaps.run(backend, SWAPS, SWAPPED_LAYERS, System.out::println);
      case "flink" -> flink(backend);
      case "page" -> page();
      default -> {
        System.err.println(
            "benchmarks: say which one; there are all of "
                + ALL
                + ", and alone "
                + ALONE
                + "; page writes docs/performance.md from what was found");
        System.exit(1);
      }
    }
  }

  /** Runs a benchmark that keeps what it finds. */
  private static void report(String backend, String name) {
    Report report = new Report(name, System.out::println);
    switch (name) {
      case "step" -> Steps.run(backend, ROUNDS, report);
      case "layer" -> Layers.run(backend, ROUNDS, report);
      case "depth" -> Depth.run(backend, ROUNDS, report);
      case "bits" -> Bits.run(backend, ROUNDS, report);
      case "savings" -> Savings.run(backend, ROUNDS, report);
      case "flat" -> Flat.run(backend, STEPS, CYCLES, report);
      case "curves" -> Curves.run(backend, Math.min(ROUNDS, FEW), report);
      case "rebatch" -> {
        limits(report);
        Rebatch.run(backend, ROUNDS, report);
      }
      case "start", "tasks", "threads" -> process(name, report);
      default -> throw new AssertionError(name);
    }
    System.out.println("kept in " + ROOT.relativize(report.save(RESULTS)));
  }

  private static void page() {
    Path page = ROOT.resolve("docs/performance.md");
    Page.write(RESULTS, page);
    System.out.println("wrote " + ROOT.relativize(page));
  }

  private static void process(String name, Report report) {
    try {
      Path folder = Files.createTempDirectory("benchmarks");
      Path weights = folder.resolve("wide.safetensors");
      try {
        Wide.write(weights);
        switch (name) {
          case "start" -> Starts.run(weights, folder, ROUNDS, report);
          case "tasks" -> Tasks.run(weights, Math.min(ROUNDS, FEW), report);
          default -> Threads.run(weights, ROUNDS, report);
        }
      } finally {
        Synthetic.delete(folder);
      }
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  private static void limits(Report report) {
    try (Limits limits = new Limits()) {
      report.limits(limits.probe());
    }
  }

  private static void checkpoint(String backend) {
    int megabytes = Integer.getInteger("benchmarks.megabytes", MEGABYTES);
    DType type = DType.valueOf(System.getProperty("benchmarks.type", "F32"));
    Loads.run(backend, megabytes, type, System.out::println);
  }

  private static void flink(String backend) {
    Report report = new Report("flink", System.out::println);
    report.note(
        "load average before: %.2f",
        ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    limits(report);
    String part = System.getProperty("benchmarks.part");
    List<String> parts = part == null ? FlinkCosts.PARTS : List.of(part);
    FlinkCosts.run(backend, ROUNDS, 1, parts, System.out::println);
  }

  private static void exits(String backend) {
    limits(new Report("exits", System.out::println));
    int window = ByteModel.withExits().input().maxLength();
    int count = Integer.getInteger("benchmarks.lines", LINES);
    List<Lines> kinds =
        List.of(
            Lines.of("Java", Lines.read(ROOT, ".java"), count, window),
            Lines.of("Markdown", Lines.read(ROOT, ".md"), count, window));
    Exits.run(
        backend,
        ROOT.resolve("samples/models/surprise.safetensors"),
        kinds,
        List.of(1024, 2048, 4096, 8192),
        ROUNDS,
        System.out::println);
  }
}
