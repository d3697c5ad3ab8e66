package anabranch.engine;

import anabranch.error.Bounds;
import anabranch.error.DescriptionException;
import anabranch.model.Encoder;
import anabranch.model.ModelSpec;
import anabranch.model.plan.Criterion;
import anabranch.model.plan.Exit;
import anabranch.model.plan.Loop;
import anabranch.model.plan.Part;
import anabranch.model.plan.Plan;
import anabranch.model.plan.Prune;
import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;

/**
 * The thresholds of a model's exits, halts and prunes, under a version: data that no backend ever
 * sees.
 *
 * <p>An exit or halt without a threshold never fires, a prune without one keeps all rows.
 * Immutable; any thread.
 *
 * @param version names this policy in results
 * @param thresholds a finite number for each exit and halt that may fire, by id; for a prune the
 *     share of rows that it keeps, above 0 and at most 1
 */
public record Policy(String version, Map<String, Double> thresholds) implements Serializable {
  /** Checks the numbers and copies the map. */
  public Policy {
    Bounds.name("policy.version", version);
    thresholds = Map.copyOf(new TreeMap<>(thresholds));
    thresholds.forEach(
        (id, threshold) ->
            Bounds.require(
                Double.isFinite(threshold),
                "policy.thresholds." + id + " " + threshold + " is not a finite number"));
  }

  /** Returns the policy under which every unit runs to full depth. */
  public static Policy fullDepth() {
    return new Policy("full-depth", Map.of());
  }

  /** Returns a policy that fires nowhere yet. */
  public static Policy named(String version) {
    return new Policy(version, Map.of());
  }

  /** Returns this policy with the threshold of one exit, halt or prune added or replaced. */
  public Policy with(String id, double threshold) {
    Map<String, Double> more = new TreeMap<>(thresholds);
    more.put(id, threshold);
    return new Policy(version, more);
  }

  /**
   * Fails unless every threshold belongs to one exit, halt or prune of the model, its encoder's
   * too, and suits it.
   *
   * @throws DescriptionException naming the threshold, and those that may be given
   */
  public void checkAgainst(ModelSpec spec) {
    Map<String, Part> known = new TreeMap<>();
    Encoder encoder = spec.encoder();
    if (encoder != null) {
      collect(encoder.plan(), known);
    }
    collect(spec.plan(), known);
    boolean exits = known.values().stream().allMatch(Exit.class::isInstance);
    String what = exits ? "exit" : "exit, halt or prune";
    thresholds.forEach(
        (id, threshold) -> {
          Part part = known.get(id);
          if (part == null) {
            throw new DescriptionException(
                "policy.thresholds " + what + " \"" + id + "\" is not one of " + known.keySet());
          }
          check("policy.thresholds." + id + " ", part, threshold);
        });
  }

  private static void check(String field, Part part, double threshold) {
    if (part instanceof Prune) {
      Bounds.require(
          threshold > 0 && threshold <= 1,
          field + threshold + " is not a share of rows to keep, above 0 and at most 1");
    } else if (part instanceof Exit exit && exit.criterion().score() == Criterion.Score.PATIENCE) {
      Bounds.require(
          threshold >= 1, field + threshold + " is below 1: the first label would be enough");
    }
  }

  /** Collects what may have a threshold, by id. */
  private static void collect(Plan plan, Map<String, Part> into) {
    plan.all(Exit.class).forEach(exit -> into.put(exit.id(), exit));
    plan.all(Prune.class).forEach(prune -> into.put(prune.id(), prune));
    for (Loop loop : plan.all(Loop.class)) {
      Loop.Halt halt = loop.until();
      if (halt != null) {
        into.put(halt.id(), loop);
      }
    }
  }
}
