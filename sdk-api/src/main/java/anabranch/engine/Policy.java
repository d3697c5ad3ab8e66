package anabranch.engine;

import anabranch.error.Bounds;
import anabranch.error.DescriptionException;
import anabranch.model.Exit;
import anabranch.model.ModelSpec;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The thresholds of a model's exits, under a version: data that no backend ever sees.
 *
 * <p>An exit without a threshold never fires. Immutable; any thread.
 *
 * @param version names this policy in results
 * @param thresholds a finite number for each exit that may fire, by exit id
 */
public record Policy(String version, Map<String, Double> thresholds) implements Serializable {
  /** Checks the numbers and copies the map. */
  public Policy {
    Bounds.name("policy.version", version);
    thresholds = Map.copyOf(new TreeMap<>(thresholds));
    thresholds.forEach(
        (exit, threshold) ->
            Bounds.require(
                Double.isFinite(threshold),
                "policy.thresholds." + exit + " " + threshold + " is not a finite number"));
  }

  /** Returns the policy under which every unit runs to full depth. */
  public static Policy fullDepth() {
    return new Policy("full-depth", Map.of());
  }

  /** Returns a policy that fires nowhere yet. */
  public static Policy named(String version) {
    return new Policy(version, Map.of());
  }

  /** Returns this policy with the threshold of one exit added or replaced. */
  public Policy with(String exit, double threshold) {
    Map<String, Double> more = new TreeMap<>(thresholds);
    more.put(exit, threshold);
    return new Policy(version, more);
  }

  /**
   * Fails unless every threshold belongs to an exit of the model.
   *
   * @throws DescriptionException naming the exit and those that exist
   */
  public void checkAgainst(ModelSpec spec) {
    List<String> exits = spec.plan().exits().stream().map(Exit::id).toList();
    for (String exit : thresholds.keySet()) {
      if (!exits.contains(exit)) {
        throw new DescriptionException(
            "policy.thresholds exit \"" + exit + "\" is not one of " + exits);
      }
    }
  }
}
