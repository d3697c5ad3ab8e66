package anabranch.benchmarks;

import java.util.Locale;

/** Runs a benchmark by name and prints the limits of the machine beside its figures. */
public final class Benchmarks {
  private Benchmarks() {}

  /** Runs the benchmark that the only argument names. */
  public static void main(String[] args) {
    if (args.length != 1 || !args[0].equals("exits")) {
      System.err.println("benchmarks: say which one; there are [exits]");
      System.exit(1);
    }
    String backend = System.getProperty("benchmarks.backend", "onnx");
    System.out.printf(
        Locale.ROOT,
        "this machine, one core: %.0f GFLOP/s in a wide network, %.1f GB/s read from memory%n",
        Machine.gigaflops(backend),
        Machine.gigabytesRead());
    System.out.print(Exits.run(backend, 21));
  }
}
