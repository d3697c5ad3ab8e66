package anabranch.backend;

import anabranch.model.ModelSpec;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Weights bound to a description. Thread-safe; outlives every state and row made by it. Closing it
 * twice is harmless; using it closed throws {@link IllegalStateException}.
 */
public interface LoadedModel extends AutoCloseable {
  /** Returns the description that was loaded. */
  ModelSpec spec();

  /** Returns what computes the numbers and how far they can be trusted to repeat. */
  Numerics numerics();

  /**
   * Returns one stage for each entry of {@link anabranch.model.facts.Cut#of}, in its order: the
   * backend does not choose the cut.
   */
  List<Stage> stages();

  /**
   * Returns the state of a new sequence, at position 0.
   *
   * @param memory rows that the sequence may read for ever, such as an encoder's, copied or
   *     projected here; null for descriptions without such memory
   */
  SequenceState newState(@Nullable Rows memory);

  @Override
  void close();
}
