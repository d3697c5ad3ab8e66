package anabranch.model.layer;

import anabranch.model.route.Router;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What a sublayer computes between its norm and the residual sum. */
public sealed interface Operation
    permits Attention,
        FeedForward,
        Mixture,
        Mixture.Modulated,
        Mixture.Sliced,
        Recurrence,
        Recurrence.LinearMemory,
        Skip,
        Chain,
        Chain.Merged {
  /** Lists the parameters under {@code path}, for hidden vectors of length {@code width}. */
  void parameters(String path, int width, Consumer<Parameter> into);

  /** Returns whether a row's result reads other rows of its sequence. */
  boolean mixes();

  /** Returns what picks members, or rows, for this operation; null where nothing is picked. */
  default @Nullable Router router() {
    return null;
  }

  /** Returns how many members are decided about for a row; 0 where nothing is decided. */
  default int members() {
    return 0;
  }

  /**
   * Returns how many numbers a sequence keeps for a recurrence, which takes its rows in order; 0
   * for what is none.
   */
  default int remembers() {
    return 0;
  }

  /** Returns the operations that this one is made of; empty for most. */
  default List<Operation> parts() {
    return List.of();
  }
}
