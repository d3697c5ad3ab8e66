package anabranch.benchmarks;

import anabranch.conformance.report.KitCommand;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs the conformance kit on the backends of this build; see {@link KitCommand}. */
public final class Conformance {
  private static final Path DOCS = Path.of("..", "docs");

  private Conformance() {}

  /** Runs it; a whole run writes the page about systems. */
  public static void main(String[] arguments) throws IOException {
    List<String> all = new ArrayList<>(List.of(arguments));
    if (all.isEmpty() && Files.isDirectory(DOCS)) {
      all.add("--systems");
      all.add(DOCS.resolve("systems.md").toString());
    }
    KitCommand.main(all.toArray(String[]::new));
  }
}
