package example.host;

import java.util.ArrayList;
import java.util.List;

/** Judges whether a process holds no more after many rounds than after the first few. Stateless. */
final class Flatness {
  /**
   * How much resident memory may grow, for compiled code and the allocator: over 20 rounds about a
   * megabyte for each model loaded behind the baseline, which weighs 21.
   */
  static final long MEGABYTES = 64;

  /** How many threads of the process may come; the JVM starts some of its own when it likes. */
  static final long NATIVE_THREADS = 4;

  private Flatness() {}

  /** Returns the round after which the footprint is what the last one is compared with. */
  static int baseline(int rounds) {
    return Math.max(1, rounds / 4);
  }

  /** Returns what is not flat, in words; empty if all is. */
  static List<String> problems(List<Footprint> rounds, long loadersLeft) {
    Footprint from = rounds.get(baseline(rounds.size()) - 1);
    Footprint to = rounds.get(rounds.size() - 1);
    List<String> problems = new ArrayList<>();
    if (loadersLeft > 0) {
      problems.add(loadersLeft + " class loaders of closed plugins were not collected");
    }
    if (to.threads() > from.threads()) {
      problems.add("threads grew from " + from.threads() + " to " + to.threads());
    }
    if (to.nativeThreads() - from.nativeThreads() > NATIVE_THREADS) {
      problems.add(
          "native threads grew from "
              + from.nativeThreads()
              + " to "
              + to.nativeThreads()
              + ", more than "
              + NATIVE_THREADS);
    }
    if (to.residentMegabytes() - from.residentMegabytes() > MEGABYTES) {
      problems.add(
          "resident memory grew from "
              + from.residentMegabytes()
              + " to "
              + to.residentMegabytes()
              + " MB, more than "
              + MEGABYTES);
    }
    return problems;
  }
}
