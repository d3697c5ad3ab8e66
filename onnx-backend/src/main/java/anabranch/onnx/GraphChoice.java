package anabranch.onnx;

import java.util.List;

/**
 * Which graphs a model gets on a device unless somebody says otherwise, and what was measured
 * there. Immutable.
 *
 * @param kind of device, such as {@code "cpu"} or {@code "cuda"}
 * @param graphs what is chosen; {@link Graphs#SMALL} where nothing was measured
 * @param measured what speaks for it, with a date; {@link #UNMEASURED} where nobody looked
 */
public record GraphChoice(String kind, Graphs graphs, String measured) {
  /** Stands where nobody has measured. */
  public static final String UNMEASURED = "unmeasured";

  /** The one place where this is said: an entry changes when figures come. */
  private static final List<GraphChoice> ALL =
      List.of(
          new GraphChoice(
              "cpu",
              Graphs.SMALL,
              "2026-11-29, x86-64, fp32, width 512, 8 experts: large graphs took 1.25 times as long"
                  + " for a prompt of 128 rows (1.07 to 1.39), 1.14 for a single row (1.04 to"
                  + " 1.52)"),
          new GraphChoice("cuda", Graphs.SMALL, UNMEASURED));

  /** Returns the choice for each kind of device. */
  public static List<GraphChoice> all() {
    return ALL;
  }

  /** Returns the choice for a device. */
  static GraphChoice of(Device device) {
    String kind = device.isCpu() ? "cpu" : "cuda";
    return ALL.stream().filter(each -> each.kind.equals(kind)).findFirst().orElseThrow();
  }

  /** Returns the choice as a line of a table. */
  @Override
  public String toString() {
    return "| " + kind + " | " + graphs + " | " + measured + " |";
  }
}
