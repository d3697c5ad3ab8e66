package anabranch.benchmarks.peer;

import anabranch.benchmarks.layer.BesideDjl;
import anabranch.benchmarks.measure.Report;
import anabranch.benchmarks.process.Child;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Starts programs of other systems, of which this build knows nothing but a class path. */
public final class Peers {
  /** What there is to compare with. */
  public static final List<String> PARTS = List.of("djl", "llama");

  private static final String BUILD = "./mvnw -q -f benchmarks/peers/pom.xml compile";
  private static final String PACKAGE = "anabranch.peers.";
  private static final Duration LIFE = Duration.ofMinutes(10);

  private final Path built;
  private final Path folder;

  private Peers(Path built, Path folder) {
    this.built = built;
    this.folder = folder;
  }

  /**
   * Measures one part.
   *
   * @param built where the programs were built
   * @param folder for files that are not needed afterwards
   */
  public static void run(
      String part, Path built, Path folder, String backend, int rounds, Report report) {
    Peers peers = new Peers(built, folder);
    if (part.equals("djl")) {
      BesideDjl.run(arguments -> peers.start("Djl", arguments), folder, backend, rounds, report);
    } else {
      BesideLlama.run(
          arguments -> peers.start("Llama", arguments), folder, backend, rounds, report);
    }
  }

  /** Starts a program that uses one thread, asks no network, and leaves nothing elsewhere. */
  private Child start(String program, List<String> arguments) {
    Path libraries = built.resolve("libraries");
    return new Child(
        classPath(),
        PACKAGE + program,
        List.of(
            "-Dai.djl.offline=true",
            "-Dai.djl.pytorch.num_threads=1",
            "-Dai.djl.pytorch.num_interop_threads=1",
            "-Djava.io.tmpdir=" + folder),
        Map.of(
            "OPT_OUT_TRACKING",
            "true",
            "OMP_NUM_THREADS",
            "1",
            "DJL_CACHE_DIR",
            libraries.toString(),
            "ENGINE_CACHE_DIR",
            libraries.toString()),
        LIFE,
        arguments);
  }

  private String classPath() {
    Path file = built.resolve("classpath");
    if (!Files.exists(file)) {
      throw new IllegalStateException(
          "the other systems are not here; this fetches 130 MB: " + BUILD);
    }
    try {
      return built.resolve("classes") + ":" + Files.readString(file).strip();
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
