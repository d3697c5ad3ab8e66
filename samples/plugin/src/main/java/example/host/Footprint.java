package example.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What a process holds.
 *
 * @param threads live threads of the JVM
 * @param nativeThreads all threads of the process; -1 where the system does not say
 * @param residentMegabytes resident memory; -1 where the system does not say
 */
record Footprint(int threads, long nativeThreads, long residentMegabytes) {
  private static final Path STATUS = Path.of("/proc/self/status");

  /** Measures this process. */
  static Footprint now() throws IOException {
    return new Footprint(
        Thread.getAllStackTraces().size(),
        status("Threads:"),
        Math.max(-1, status("VmRSS:") >> 10));
  }

  private static long status(String field) throws IOException {
    if (!Files.isReadable(STATUS)) {
      return -1;
    }
    for (String line : Files.readAllLines(STATUS)) {
      if (line.startsWith(field)) {
        return Long.parseLong(line.substring(field.length()).replace("kB", "").strip());
      }
    }
    return -1;
  }
}
