package anabranch.flink.keyed.state;

import anabranch.engine.Lease;
import anabranch.flink.model.ModelRecipe;
import java.util.HashMap;
import java.util.Map;
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
  private final boolean discard;

  /**
   * Creates a check.
   *
   * @param discard whether to remove what does not fit, instead of failing
   */
  public StateCheck(SequenceStore store, Lease lease, ModelRecipe recipe, boolean discard) {
    this.store = store;
    this.lease = lease;
    this.recipe = recipe;
    this.discard = discard;
  }

  /**
   * Fails if the state does not fit the model, or removes what does not.
   *
   * @throws FlinkException naming both signatures, and the way out
   */
  public void run() throws Exception {
    if (discard) {
      Map<String, Boolean> fits = new HashMap<>();
      store.visitAll(
          header -> {
            if (header.hasPages() && !fits(header, fits)) {
              store.clear();
            }
          });
    } else {
      store.visitOne(this::resume);
    }
  }

  private boolean fits(SequenceHeader header, Map<String, Boolean> known) throws Exception {
    Boolean before = known.get(header.signature());
    if (before != null) {
      return before;
    }
    boolean fits = true;
    try {
      lease.resume("a restored sequence", store.image(header)).close();
    } catch (IllegalArgumentException other) {
      fits = false;
    }
    known.put(header.signature(), fits);
    return fits;
  }

  private void resume(SequenceHeader header) throws Exception {
    try {
      lease.resume("a restored sequence", store.image(header)).close();
    } catch (IllegalArgumentException other) {
      throw new FlinkException(
          "the state of sequences is not of "
              + recipe
              + ": "
              + other.getMessage()
              + "; discardState() begins every sequence anew",
          other);
    }
  }
}
