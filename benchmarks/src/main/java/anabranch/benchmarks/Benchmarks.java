package anabranch.benchmarks;

import anabranch.benchmarks.layer.Layers;
import anabranch.benchmarks.measure.Machine;
import anabranch.benchmarks.measure.Page;
import anabranch.benchmarks.measure.Report;
import anabranch.benchmarks.stage.Depth;
import anabranch.benchmarks.stage.Steps;
import anabranch.weights.DType;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/** Runs a benchmark by name and prints the limits of the machine beside its figures. */
public final class Benchmarks {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  private static final Path RESULTS = ROOT.resolve("benchmarks/target/results");
  private static final List<Integer> COUNTS = List.of(1, 16, 64, 512, 2048);

  private static final int LINES = 128;
  private static final int ROUNDS = 21;
  private static final int MEGABYTES = 1024;
  private static final int SWAPS = 20;
  private static final int SWAPPED_LAYERS = 8;

  private Benchmarks() {}

  /** Runs the benchmark that the only argument names. */
  public static void main(String[] args) {
    String name = args.length == 1 ? args[0] : "";
    String backend = System.getProperty("benchmarks.backend", "onnx");
    switch (name) {
      case "layer" -> report(name, report -> Layers.run(backend, COUNTS, rounds(), report));
      case "depth" -> report(name, report -> Depth.run(backend, rounds(), report));
      case "step" -> report(name, report -> Steps.run(backend, rounds(), report));
      case "page" -> Page.write(RESULTS, ROOT.resolve("docs/performance.md"));
      case "exits" -> exits(backend);
      case "checkpoint" -> checkpoint(backend);
      case "rebatch" -> rebatch(backend);
      case "swaps" -> Swaps.run(backend, SWAPS, SWAPPED_LAYERS, System.out::println);
      default -> {
        System.err.println(
            "benchmarks: say which one; there are [layer, exits, checkpoint, rebatch, swaps], and page");
        System.exit(1);
      }
    }
  }

  private static void checkpoint(String backend) {
    int megabytes = Integer.getInteger("benchmarks.megabytes", MEGABYTES);
    DType type = DType.valueOf(System.getProperty("benchmarks.type", "F32"));
    Loads.run(backend, megabytes, type, System.out::println);
  }

  private static void rebatch(String backend) {
    limits(backend);
    Rebatch.run(backend, Integer.getInteger("benchmarks.rounds", ROUNDS), System.out::println);
  }

  private static int rounds() {
    return Integer.getInteger("benchmarks.rounds", ROUNDS);
  }

  private static void report(String name, Consumer<Report> benchmark) {
    Report report = new Report(name, System.out::println);
    benchmark.accept(report);
    System.out.println("kept in " + ROOT.relativize(report.save(RESULTS)));
  }

  private static void limits(String backend) {
    System.out.printf(
        Locale.ROOT,
        "this machine, one core: %.0f GFLOP/s in a wide network, %.1f GB/s read from memory%n",
        Machine.gigaflops(backend),
        Machine.gigabytesRead());
  }

  private static void exits(String backend) {
    limits(backend);
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
        Integer.getInteger("benchmarks.rounds", ROUNDS),
        System.out::println);
  }
}
