package anabranch.model.plan;

import anabranch.error.Bounds;

/**
 * A place where a unit is told, once, at which of the exits behind it to leave: the best of a
 * learned score for each of them and for the end (Elbayad et al., Depth-Adaptive Transformer; Yao
 * et al., ECO-M2F). Exits with the criterion {@code CHOSEN} obey.
 *
 * @param id names the choice in parameter names and reports; unique in its plan
 * @param from what is read
 * @param pool which rows are read: each for itself, or one vector for all rows of the item
 * @param bias whether a bias is added
 */
public record DepthChoice(String id, From from, Head.Pool pool, boolean bias) implements Part {
  /** What a choice reads. */
  public enum From {
    /** The hidden vectors at this place. */
    ROWS,
    /** The rows of the memory, such as an encoder's. */
    MEMORY
  }

  /** Checks that the pool gives a vector. */
  public DepthChoice {
    Bounds.name("choice.id", id);
    Bounds.require(
        pool != Head.Pool.FLATTEN, "choice \"" + id + "\" pool FLATTEN has no single vector");
    Bounds.require(
        from == From.ROWS || pool.ofItem(),
        "choice \"" + id + "\" pool EACH does not go with rows of the memory");
  }
}
