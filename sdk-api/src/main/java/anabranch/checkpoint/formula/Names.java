package anabranch.checkpoint.formula;

import org.jspecify.annotations.Nullable;

/** What names mean in a formula. Asked on the thread that computes it. */
public interface Names {
  /** Returns whether a name means something. */
  boolean has(String name);

  /**
   * Returns the value of a name.
   *
   * @throws anabranch.error.DescriptionException if it has none
   */
  @Nullable Object value(String name);

  /** Returns whether the checkpoint has a tensor of a name. */
  boolean stored(String tensor);
}
