package anabranch.benchmarks;

import anabranch.backend.Event;
import anabranch.backend.LoadOptions;
import anabranch.backend.LoadedModel;
import anabranch.checkpoint.Checkpoint;
import anabranch.engine.Backends;
import anabranch.engine.Engine;
import anabranch.engine.Item;
import anabranch.engine.Policy;
import anabranch.model.layer.Parameter;
import anabranch.weights.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * What it costs to load a sharded checkpoint: memory of the process that is no file, against the
 * weights in fp32, which are what a backend must keep; and time, against that of reading the files.
 *
 * <p>Memory is known on Linux alone. Pages of the mapped files are not counted: the system takes
 * them back when it needs them.
 */
final class Loads {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final double MEGABYTE = 1e6;

  private Loads() {}

  /**
   * Writes a checkpoint, loads it, reports and deletes it.
   *
   * @param megabytes about how large its files are
   */
  static void run(String backend, int megabytes, DType type, Consumer<String> out) {
    Path folder = folder();
    try {
      Synthetic.write(folder, megabytes, type);
      System.gc();
      long[] files = read(folder);
      Sampler sampler = new Sampler();
      long before = anonymous();
      sampler.start();
      long start = System.nanoTime();
      try (Checkpoint checkpoint = Checkpoint.open(folder)) {
        long opened = System.nanoTime() - start;
        LoadedModel model =
            Backends.named(backend)
                .load(checkpoint.spec(), checkpoint.weights(), LoadOptions.defaults());
        long loaded = System.nanoTime() - start;
        try (Engine engine = Engine.open(model, Policy.fullDepth())) {
          engine.infer(Item.of("first", Event.ofTokens(1, 2, 3)));
          long peak = sampler.end() - before;
          System.gc();
          long weights =
              4 * checkpoint.spec().parameters().stream().mapToLong(Parameter::elements).sum();
          report(backend, type, files, new long[] {opened, loaded}, out);
          if (before > 0) {
            memory(weights, peak, anonymous() - before, out);
          }
        }
      }
    } finally {
      Synthetic.delete(folder);
    }
  }

  private static void report(
      String backend, DType type, long[] files, long[] nanos, Consumer<String> out) {
    out.accept(
        String.format(
            Locale.ROOT,
            "%.0f MB of %s read in %.2f s; opened in %.3f s, on %s after %.2f s: %.1f times reading",
            files[0] / MEGABYTE,
            type,
            files[1] / 1e9,
            nanos[0] / 1e9,
            backend,
            nanos[1] / 1e9,
            (double) nanos[1] / files[1]));
  }

  private static void memory(long weights, long peak, long kept, Consumer<String> out) {
    out.accept(
        String.format(
            Locale.ROOT,
            "weights in fp32 %.0f MB; memory at most %.0f MB (%.2f times), afterwards %.0f MB (%.2f"
                + " times)",
            weights / MEGABYTE,
            peak / MEGABYTE,
            (double) peak / weights,
            kept / MEGABYTE,
            (double) kept / weights));
  }

  private static Path folder() {
    try {
      return Files.createTempDirectory("checkpoint");
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** Reads all files and returns their bytes, and the nanoseconds. */
  private static long[] read(Path folder) {
    long start = System.nanoTime();
    long bytes = 0;
    ByteBuffer into = ByteBuffer.allocateDirect(1 << 20);
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        try (FileChannel channel = FileChannel.open(file)) {
          for (int read = 0; read >= 0; read = channel.read(into.clear())) {
            bytes += read;
          }
        }
      }
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
    return new long[] {bytes, System.nanoTime() - start};
  }

  /** Returns the bytes of memory of this process that are no file; 0 where they are not known. */
  static long anonymous() {
    if (!Files.exists(STATUS)) {
      return 0;
    }
    try {
      List<String> lines = Files.readAllLines(STATUS);
      return lines.stream()
          .filter(line -> line.startsWith("RssAnon:"))
          .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
          .sum();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** Looks at the memory every few milliseconds. */
  private static final class Sampler extends Thread {
    private static final int MILLISECONDS = 4;

    private volatile boolean ended;
    private volatile long most;

    Sampler() {
      super("memory-sampler");
      setDaemon(true);
    }

    @Override
    public void run() {
      while (!ended) {
        most = Math.max(most, anonymous());
        try {
          sleep(MILLISECONDS);
        } catch (InterruptedException asked) {
          return;
        }
      }
    }

    /** Returns the most that was seen. */
    long end() {
      ended = true;
      try {
        join();
      } catch (InterruptedException asked) {
        interrupt();
      }
      return Math.max(most, anonymous());
    }
  }
}
