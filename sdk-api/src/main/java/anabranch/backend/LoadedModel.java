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
   * Returns one stage for each entry of {@link anabranch.model.facts.Cut#stages}, in its order: the
   * backend does not choose the cut.
   */
  List<Stage> stages();

  /**
   * Returns the state of a new sequence, at position 0.
   *
   * @param memory rows that the sequence may read for ever: those of an encoder where they left,
   *     normed, copied or projected here, so that their handles may be closed afterwards; null
   *     exactly for descriptions without an encoder
   */
  SequenceState newState(@Nullable Rows memory);

  /**
   * Returns a sequence as it was when an image of it was made. Its pages are clean: an image since
   * the restored version has what changed after this call.
   *
   * @param image a complete image
   * @throws IllegalArgumentException if it is not complete, or of another signature, naming both
   */
  SequenceState restore(StateImage image);

  @Override
  void close();
}
