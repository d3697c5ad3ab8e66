package anabranch.benchmarks;

import anabranch.conformance.golden.GoldenCommand;
import java.io.IOException;

/** Compares published checkpoints with what was recorded of them; see {@link GoldenCommand}. */
public final class Goldens {
  private Goldens() {}

  /** Runs it. */
  public static void main(String[] arguments) throws IOException {
    GoldenCommand.main(arguments);
  }
}
