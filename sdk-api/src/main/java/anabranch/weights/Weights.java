package anabranch.weights;

import anabranch.model.ModelSpec;
import java.util.Set;

/**
 * Named tensors. Thread-safe. Closing twice is harmless; tensors of closed weights must not be
 * read.
 */
public interface Weights extends AutoCloseable {
  /** Returns the names of all tensors. */
  Set<String> names();

  /**
   * Returns a tensor by name.
   *
   * @throws anabranch.error.WeightsException if there is none, naming the nearest name that exists
   */
  Tensor tensor(String name);

  /**
   * Returns random weights for a description, for tests and sizing: the same seed gives the same
   * numbers on every machine.
   */
  static Weights random(ModelSpec spec, long seed) {
    return MemoryWeights.random(spec, seed);
  }

  /**
   * Fails unless these are exactly the tensors that a description needs, each in the right shape.
   *
   * @throws anabranch.error.WeightsException naming every tensor that is missing, has another shape
   *     or has no place in the description (the first few of each)
   */
  default void requireFit(ModelSpec spec) {
    Fit.require(spec, this);
  }

  @Override
  void close();
}
