package anabranch.peers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What processors spent on this process, as Linux counts it. Stateless. */
final class Processors {
  private static final Path THREADS = Path.of("/proc/self/task");

  /** How the names of threads of the JVM begin that compile and collect. */
  private static final List<String> JVM = List.of("C1 ", "C2 ", "GC ", "G1 ", "VM ", "Sweeper");

  private Processors() {}

  /**
   * Returns nanoseconds spent on all threads, native ones included, but not on those of the JVM
   * that compile and collect.
   */
  static long busy() {
    try (Stream<Path> threads = Files.list(THREADS)) {
      return threads.mapToLong(Processors::nanos).sum();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  private static long nanos(Path thread) {
    try {
      String name = Files.readString(thread.resolve("comm"));
      if (JVM.stream().anyMatch(name::startsWith)) {
        return 0;
      }
      return Long.parseLong(Files.readString(thread.resolve("schedstat")).split(" ")[0]);
    } catch (NoSuchFileException ended) {
      return 0;
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
