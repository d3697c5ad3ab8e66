package anabranch.benchmarks;

import anabranch.backend.LoadOptions;
import anabranch.benchmarks.gpu.Gpu;
import anabranch.benchmarks.gpu.Probe;
import anabranch.benchmarks.job.FlinkCosts;
import anabranch.benchmarks.layer.Heads;
import anabranch.benchmarks.layer.Layers;
import anabranch.benchmarks.measure.Limits;
import anabranch.benchmarks.measure.Page;
import anabranch.benchmarks.measure.Report;
import anabranch.benchmarks.peer.Peers;
import anabranch.benchmarks.process.Flat;
import anabranch.benchmarks.process.Starts;
import anabranch.benchmarks.process.Tasks;
import anabranch.benchmarks.process.Threads;
import anabranch.benchmarks.process.Wide;
import anabranch.benchmarks.stage.Bits;
import anabranch.benchmarks.stage.Curves;
import anabranch.benchmarks.stage.Depth;
import anabranch.benchmarks.stage.Savings;
import anabranch.benchmarks.stage.Steps;
import anabranch.conformance.Kit;
import anabranch.engine.Backends;
import anabranch.weights.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
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
          "step",
          "layer",
          "depth",
          "bits",
          "savings",
          "heads",
          "start",
          "tasks",
          "threads",
          "rebatch",
          "flink",
          "flink-batch");

  /** What takes too long for that, and is kept as well. */
  private static final List<String> LONG = List.of("flat", "curves", "flink-rocks");

  private static final List<String> ALONE =
      List.of("exits", "checkpoint", "swaps", "gpu", "gpu-probe");

  private static final Path PEERS = ROOT.resolve("benchmarks/peers/target");

  private Benchmarks() {}

  /** Runs the benchmark that the only argument names, or all. */
  public static void main(String[] args) {
    boolean sized = args.length == 3 && args[0].equals("gpu") && args[1].equals("--size");
    String name = args.length == 1 || sized ? args[0] : "";
    String backend = System.getProperty("benchmarks.backend", "onnx");
    if (name.equals("all")) {
      ALL.forEach(each -> report(backend, each));
      page();
    } else if (name.equals("peers")) {
      Peers.PARTS.forEach(each -> report(backend, each));
    } else if (ALL.contains(name) || LONG.contains(name) || Peers.PARTS.contains(name)) {
      report(backend, name);
    } else {
      alone(backend, name, sized ? args[2] : "full");
    }
  }

  private static void alone(String backend, String name, String size) {
    switch (name) {
      case "exits" -> exits(backend);
      case "checkpoint" -> checkpoint(backend);
      case "swaps" -> Swaps.run(backend, SWAPS, SWAPPED_LAYERS, System.out::println);
      case "gpu" -> gpu(backend, size);
      case "gpu-probe" -> {
        String device = System.getProperty("benchmarks.device", "cuda:0");
        if (!Probe.run(backend, device, System.out::println)) {
          System.exit(1);
        }
      }
      case "page" -> page();
      default -> {
        System.err.println(
            "benchmarks: say which one; there are all of "
                + ALL
                + ", longer ones "
                + LONG
                + ", and alone "
                + ALONE
                + ", and beside other systems peers or one of "
                + Peers.PARTS
                + "; page writes docs/performance.md from what was found");
        System.exit(1);
      }
    }
  }

  /** Runs a benchmark that keeps what it finds. */
  private static void report(String backend, String name) {
    Report report = new Report(name, System.out::println);
    report.ran(Kit.numerics(Backends.named(backend), LoadOptions.defaults()));
    switch (name) {
      case "step" -> Steps.run(backend, ROUNDS, report);
      case "layer" -> Layers.run(backend, ROUNDS, report);
      case "depth" -> Depth.run(backend, ROUNDS, report);
      case "bits" -> Bits.run(backend, ROUNDS, report);
      case "savings" -> Savings.run(backend, ROUNDS, report);
      case "heads" -> Heads.run(ROUNDS, report);
      case "flat" -> Flat.run(backend, STEPS, CYCLES, report);
      case "curves" -> Curves.run(backend, ROUNDS, report);
      case "rebatch" -> {
        limits(report);
        Rebatch.run(backend, ROUNDS, report);
      }
      case "flink", "flink-batch", "flink-rocks" -> {
        limits(report);
        FlinkCosts.run(name, backend, ROUNDS, 1, report);
      }
      case "start", "tasks", "threads" -> process(name, report);
      case "djl", "llama" -> peer(name, backend, report);
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

  private static void peer(String name, String backend, Report report) {
    try {
      Path folder = Files.createTempDirectory("benchmarks");
      try {
        Peers.run(name, PEERS, folder, backend, ROUNDS, report);
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

  /** Runs on the GPU if there is one; keeps what it finds only then. */
  private static void gpu(String backend, String size) {
    LoadOptions options =
        LoadOptions.defaults()
            .with("onnx.device", System.getProperty("benchmarks.device", "cuda:0:preferred"))
            .with("onnx.precision", System.getProperty("benchmarks.precision", "bf16"));
    List<String> python = List.of(System.getProperty("benchmarks.python", "python3"));
    Path script = ROOT.resolve("benchmarks/src/main/python/grouped.py");
    Report report = new Report("gpu", System.out::println);
    if (Gpu.run(backend, size, options, ROUNDS, python, script, report)) {
      System.out.println("kept in " + ROOT.relativize(report.save(RESULTS)));
    }
  }

  private static void exits(String backend) {
    Report report = new Report("exits", System.out::println);
    report.ran(Kit.numerics(Backends.named(backend), LoadOptions.defaults()));
    limits(report);
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
