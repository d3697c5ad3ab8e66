package example.host;

import java.io.IOException;
import java.io.ObjectStreamClass;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * Loads, replaces and unloads plugins for many rounds, and tells whether the process stays as it
 * was; exits with 1 if it does not.
 *
 * <p>Arguments: a folder with {@code runtime} (jars that all plugins share; may be absent) and
 * {@code plugins} (a folder for each plugin: the first one is replaced by the last one), a text
 * file, the number of rounds.
 */
public final class Host {
  private static final int LINES = 12;
  private static final long PATIENCE_NANOS = 5_000_000_000L;

  private Host() {}

  /** Runs the program. */
  public static void main(String[] args) throws Exception {
    if (args.length != 3) {
      throw new IllegalArgumentException("usage: FOLDER TEXT ROUNDS");
    }
    System.exit(run(Path.of(args[0]), lines(Path.of(args[1])), Integer.parseInt(args[2])));
  }

  private static int run(Path folder, List<String> lines, int rounds) throws Exception {
    List<Path> plugins = plugins(folder.resolve("plugins"));
    ClassLoader shared = shared(folder.resolve("runtime"));
    List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
    List<Footprint> footprints = new ArrayList<>();
    System.out.println(
        " round  lines  by first  by second  bits/byte  loaders  threads  native  RSS MB");
    for (int number = 1; number <= rounds; number++) {
      Round round = new Round(plugins.get(0), plugins.get(plugins.size() - 1), shared, lines);
      round.run();
      loaders.addAll(round.loaders);
      long left = awaitCollected(loaders);
      Footprint now = Footprint.now();
      footprints.add(now);
      System.out.printf(
          Locale.ROOT,
          "%6d %6d %9d %10d %10.2f %8d %8d %7d %7d%n",
          number,
          round.scored.sum(),
          round.byFirst,
          round.bySecond,
          round.bitsPerByte.sum() / round.scored.sum(),
          left,
          now.threads(),
          now.nativeThreads(),
          now.residentMegabytes());
      if (round.asked.sum() != round.scored.sum()
          || round.scored.sum() != round.byFirst + round.bySecond) {
        System.out.println("lines were lost: " + round.asked.sum() + " were asked for");
        return 1;
      }
    }
    return verdict(footprints, awaitCollected(loaders), loaders.size());
  }

  private static int verdict(List<Footprint> footprints, long left, int loaded) {
    int from = Flatness.baseline(footprints.size());
    List<String> problems = Flatness.problems(footprints, left);
    problems.forEach(problem -> System.out.println("not flat: " + problem));
    if (problems.isEmpty()) {
      System.out.printf(
          Locale.ROOT,
          "flat from round %d to %d: %d of %d class loaders collected, no thread more, native"
              + " threads %+d (bound %+d), resident memory %+d MB (bound %+d)%n",
          from,
          footprints.size(),
          loaded - left,
          loaded,
          last(footprints).nativeThreads() - footprints.get(from - 1).nativeThreads(),
          Flatness.NATIVE_THREADS,
          last(footprints).residentMegabytes() - footprints.get(from - 1).residentMegabytes(),
          Flatness.MEGABYTES);
    }
    return problems.isEmpty() ? 0 : 1;
  }

  private static Footprint last(List<Footprint> footprints) {
    return footprints.get(footprints.size() - 1);
  }

  /** Waits until the class loaders are collected, but not for ever; returns how many are not. */
  private static long awaitCollected(List<WeakReference<ClassLoader>> loaders)
      throws InterruptedException {
    long end = System.nanoTime() + PATIENCE_NANOS;
    long left;
    do {
      System.gc();
      // The JDK's cache of serialized classes drops the collected ones only when it is next asked.
      ObjectStreamClass.lookup(String.class);
      Thread.sleep(20);
      left = loaders.stream().filter(loader -> loader.get() != null).count();
    } while (left > 0 && System.nanoTime() < end);
    return left;
  }

  private static ClassLoader shared(Path folder) throws IOException {
    ClassLoader own = Host.class.getClassLoader();
    // Never closed: it holds native code, which no JVM unloads while its class loader lives.
    return Files.isDirectory(folder) ? Jars.open(folder, own) : own;
  }

  private static List<Path> plugins(Path folder) throws IOException {
    try (Stream<Path> folders = Files.list(folder)) {
      return folders.filter(Files::isDirectory).sorted().toList();
    }
  }

  private static List<String> lines(Path text) throws IOException {
    try (Stream<String> lines = Files.lines(text)) {
      return lines.filter(line -> !line.isBlank()).limit(LINES).toList();
    }
  }
}
