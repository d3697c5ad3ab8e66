package anabranch.benchmarks;

import anabranch.benchmarks.job.FlinkCosts;
import anabranch.benchmarks.measure.Machine;
import anabranch.weights.DType;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** Runs a benchmark by name and prints the limits of the machine beside its figures. */
public final class Benchmarks {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

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
      case "exits" -> exits(backend);
      case "checkpoint" -> checkpoint(backend);
      case "rebatch" -> rebatch(backend);
      case "swaps" -> Swaps.run(backend, SWAPS, SWAPPED_LAYERS, System.out::println);
      case "flink" -> flink(backend);
      default -> {
        System.err.println(
            "benchmarks: say which one; there are [exits, checkpoint, rebatch, swaps, flink]");
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

  private static void flink(String backend) {
    System.out.printf(
        Locale.ROOT,
        "load average before: %.2f%n",
        ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    limits(backend);
    int rounds = Integer.getInteger("benchmarks.rounds", ROUNDS);
    String part = System.getProperty("benchmarks.part");
    List<String> parts = part == null ? FlinkCosts.PARTS : List.of(part);
    FlinkCosts.run(backend, rounds, 1, parts, System.out::println);
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
