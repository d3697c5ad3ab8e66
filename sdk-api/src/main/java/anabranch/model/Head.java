package anabranch.model;

import anabranch.error.Bounds;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A projection from hidden vectors to logits, at an exit or at the end.
 *
 * @param pool which rows are read, and so whether the unit that leaves is a row or the item
 * @param norm applied to the hidden vector before the projection (after pooling)
 * @param outputs how many logits, at least 1
 * @param bias whether a bias is added
 */
public record Head(Pool pool, @Nullable Norm norm, int outputs, boolean bias) {
  /** Which rows of an item a head reads. */
  public enum Pool {
    /** Every row on its own: the unit is the row. */
    EACH,
    /** The first row stands for the item. */
    FIRST,
    /** The last row stands for the item. */
    LAST,
    /** The mean of the live rows stands for the item. */
    MEAN;

    /** Returns whether one result belongs to the whole item. */
    public boolean ofItem() {
      return this != EACH;
    }
  }

  /** Checks the bounds. */
  public Head {
    Bounds.atLeast("head.outputs", outputs, 1);
  }

  void parameters(String path, int width, Consumer<Parameter> into) {
    if (norm != null) {
      norm.parameters(path + ".norm", width, into);
    }
    into.accept(Parameter.matrix(path + ".weight", outputs, width));
    if (bias) {
      into.accept(Parameter.vector(path + ".bias", outputs));
    }
  }
}
