package anabranch.flink.keyed.state;

import anabranch.engine.Lease;
import anabranch.flink.model.ModelRecipe;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.apache.flink.annotation.Internal;
import org.apache.flink.util.FlinkException;

/**
 * Asks the model whether it can go on from the state that a task was restored with, before any
 * record comes. Confined to the task's thread.
 */
@Internal
public final class StateCheck {
  private final SequenceStore store;
  private final Lease lease;
  private final ModelRecipe recipe;
  private final Versions versions;
  private final Predicate<SequenceHeader> expired;
  private final boolean discard;

  /** Says what versions of a model are loaded from. */
  @FunctionalInterface
  public interface Versions {
    /**
     * Returns the recipe of a version.
     *
     * @param version empty for that of the step
     * @throws FlinkException if there is none
     */
    ModelRecipe recipe(String version) throws FlinkException;
  }

  /**
   * Creates a check.
   *
   * @param lease of the model that is served
   * @param recipe of that model
   * @param versions says what other ones are loaded from
   * @param expired says which sequences are over, and fit whatever they are of
   * @param discard whether to remove what does not fit, instead of failing
   */
  public StateCheck(
      SequenceStore store,
      Lease lease,
      ModelRecipe recipe,
      Versions versions,
      Predicate<SequenceHeader> expired,
      boolean discard) {
    this.store = store;
    this.lease = lease;
    this.recipe = recipe;
    this.versions = versions;
    this.expired = expired;
    this.discard = discard;
  }

  /**
   * Fails if the state does not fit the model, or removes what does not.
   *
   * @throws FlinkException naming both signatures, and the way out
   */
  public void run() throws Exception {
    if (discard) {
      Map<List<String>, Boolean> fits = new HashMap<>();
      store.visitAll(
          header -> {
            if (isAsked(header) && !fits(header, fits)) {
              store.clear();
            }
          });
    } else {
      store.visitOne(this::isAsked, this::resume);
    }
  }

  private boolean isAsked(SequenceHeader header) {
    return header.hasPages() && !expired.test(header);
  }

  private boolean fits(SequenceHeader header, Map<List<String>, Boolean> known) throws Exception {
    List<String> kind = List.of(header.model(), header.signature());
    Boolean before = known.get(kind);
    if (before != null) {
      return before;
    }
    boolean fits = true;
    try {
      resume(header);
    } catch (FlinkException other) {
      fits = false;
    }
    known.put(kind, fits);
    return fits;
  }

  /** Sequences of a model that is not served are only read when a record comes for them. */
  private void resume(SequenceHeader header) throws Exception {
    ModelRecipe its;
    try {
      its = versions.recipe(header.model());
    } catch (FlinkException missing) {
      throw missing(missing);
    }
    if (its.version().equals(recipe.version())) {
      try {
        lease.resume("a restored sequence", store.image(header)).close();
      } catch (IllegalArgumentException other) {
        throw unfit(recipe, other);
      }
    }
  }

  /** Returns what to throw where the model of a sequence is not there. */
  public static FlinkException missing(FlinkException reason) {
    return new FlinkException(
        "a sequence cannot go on: " + reason.getMessage() + "; discardState() begins it anew",
        reason);
  }

  /** Returns what to throw where the model of a sequence cannot go on from its state. */
  public static FlinkException unfit(ModelRecipe recipe, IllegalArgumentException reason) {
    return new FlinkException(
        "the state of sequences is not of "
            + recipe
            + ": "
            + reason.getMessage()
            + "; discardState() begins every sequence anew",
        reason);
  }
}
