package anabranch.benchmarks.measure;

import anabranch.backend.LoadedModel;
import anabranch.onnx.run.OnnxModel;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** What is known of the memory of this process. Stateless. */
public final class Memory {
  private static final Path STATUS = Path.of("/proc/self/status");

  private Memory() {}

  /** Returns the direct memory that calls of a model took so far; 0 where it does not say. */
  public static long directBytes(LoadedModel model) {
    return model instanceof OnnxModel own ? own.madeBytes() : 0;
  }

  /** Returns what objects take on the heap; behind a collection of garbage, those that are left. */
  public static long heapBytes() {
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  /** Returns what compiled code takes. */
  public static long codeBytes() {
    return ManagementFactory.getMemoryPoolMXBeans().stream()
        .filter(pool -> pool.getName().startsWith("Code"))
        .mapToLong(pool -> pool.getUsage().getUsed())
        .sum();
  }

  /**
   * Returns the anonymous memory of this process that is resident, after a collection of garbage; 0
   * where nobody says.
   */
  public static long anonymousBytes() {
    System.gc();
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith("RssAnon:")) {
          return Long.parseLong(line.replaceAll("\\D", "")) << 10;
        }
      }
      return 0;
    } catch (IOException elsewhere) {
      return 0;
    }
  }
}
