package anabranch.conformance.golden.recorded;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where units leave.
 *
 * @param thresholds by the id of an exit, what its score is compared with; one without never fires
 * @param step the step behind which all units leave, whatever they score; null to go by thresholds
 */
public record Leaving(Map<String, Double> thresholds, @Nullable Integer step) {
  /** Returns that nobody leaves before the end. */
  public static Leaving never() {
    return new Leaving(Map.of(), null);
  }

  /** Returns that units leave by thresholds. */
  public static Leaving by(Map<String, Double> thresholds) {
    return new Leaving(Map.copyOf(thresholds), null);
  }

  /** Returns that all leave behind one step. */
  public static Leaving behind(int step) {
    return new Leaving(Map.of(), step);
  }
}
