package anabranch.benchmarks;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** Runs a benchmark by name and prints the limits of the machine beside its figures. */
public final class Benchmarks {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  private static final int LINES = 128;
  private static final int ROUNDS = 21;

  private Benchmarks() {}

  /** Runs the benchmark that the only argument names. */
  public static void main(String[] args) {
    List<String> known = List.of("exits", "rebatch");
    if (args.length != 1 || !known.contains(args[0])) {
      System.err.println("benchmarks: say which one; there are " + known);
      System.exit(1);
    }
    String backend = System.getProperty("benchmarks.backend", "onnx");
    System.out.printf(
        Locale.ROOT,
        "this machine, one core: %.0f GFLOP/s in a wide network, %.1f GB/s read from memory%n",
        Machine.gigaflops(backend),
        Machine.gigabytesRead());
    if (args[0].equals("rebatch")) {
      Rebatch.run(backend, Integer.getInteger("benchmarks.rounds", ROUNDS), System.out::println);
      return;
    }
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
