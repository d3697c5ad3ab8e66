package anabranch.model.plan;

import anabranch.error.Bounds;
import anabranch.model.layer.Activation;
import anabranch.model.layer.Block;
import anabranch.model.layer.Norm;
import anabranch.model.layer.Parameter;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A projection from hidden vectors to logits, at an exit or at the end.
 *
 * @param pool which rows are read, and so whether the unit that leaves is a row or the item
 * @param body sublayers that run for this head alone, on a copy of the rows (Nogales et al.,
 *     DYNAMAX); causal, and a recurrence in it also passes rows that have left; null for none
 * @param norm applied to the hidden vector before the projection (after pooling)
 * @param hidden a layer between norm and projection; null for none
 * @param outputs how many logits, at least 1
 * @param bias whether a bias is added
 * @param multiplier a factor on the logits, above 0; null for 1 (T5, Granite)
 */
public record Head(
    Pool pool,
    @Nullable Block body,
    @Nullable Norm norm,
    @Nullable Hidden hidden,
    int outputs,
    boolean bias,
    @Nullable Double multiplier) {
  /** Which rows of an item a head reads. */
  public enum Pool {
    /** Every row on its own: the unit is the row. */
    EACH,
    /** The first row stands for the item. */
    FIRST,
    /** The last row stands for the item. */
    LAST,
    /** The mean of the live rows stands for the item. */
    MEAN,
    /** All rows, one behind the other; every item has as many as the input allows. */
    FLATTEN;

    /** Returns whether one result belongs to the whole item. */
    public boolean ofItem() {
      return this != EACH;
    }
  }

  /**
   * {@code activation(W x + b)}.
   *
   * @param inner its length, at least 1
   * @param activation the non-linearity
   */
  public record Hidden(int inner, Activation activation) {
    /** Checks the bound. */
    public Hidden {
      Bounds.within("head.hidden.inner", inner, 1, 1 << 20);
    }
  }

  /** Checks the bounds. */
  public Head {
    Bounds.atLeast("head.outputs", outputs, 1);
    Bounds.require(
        pool != Pool.FLATTEN || norm == null,
        "head.norm does not go with pool FLATTEN: put it into the last block");
    if (multiplier != null) {
      Bounds.positive("head.multiplier", multiplier);
    }
  }

  /** Creates a head whose logits are as they are. */
  public Head(
      Pool pool,
      @Nullable Block body,
      @Nullable Norm norm,
      @Nullable Hidden hidden,
      int outputs,
      boolean bias) {
    this(pool, body, norm, hidden, outputs, bias, null);
  }

  /** Creates a head of a norm and a projection. */
  public Head(Pool pool, @Nullable Norm norm, int outputs, boolean bias) {
    this(pool, null, norm, null, outputs, bias);
  }

  /** Returns this head with a layer before the projection. */
  public Head withHidden(int inner, Activation activation) {
    return new Head(pool, body, norm, new Hidden(inner, activation), outputs, bias, multiplier);
  }

  /** Returns this head with sublayers of its own. */
  public Head withBody(Block own) {
    return new Head(pool, own, norm, hidden, outputs, bias, multiplier);
  }

  /** Returns this head with a factor on its logits. */
  public Head withMultiplier(double factor) {
    return new Head(pool, body, norm, hidden, outputs, bias, factor);
  }

  /**
   * Lists the parameters under {@code path}.
   *
   * @param rows how many rows an item has where all are read
   */
  public void parameters(String path, int width, int rows, Consumer<Parameter> into) {
    if (body != null) {
      body.parameters(path, width, into);
    }
    if (norm != null) {
      norm.parameters(path + ".norm", width, into);
    }
    int in = pool == Pool.FLATTEN ? Math.multiplyExact(width, rows) : width;
    if (hidden != null) {
      into.accept(Parameter.matrix(path + ".hidden.weight", hidden.inner(), in));
      into.accept(Parameter.vector(path + ".hidden.bias", hidden.inner()));
      in = hidden.inner();
    }
    into.accept(Parameter.matrix(path + ".weight", outputs, in));
    if (bias) {
      into.accept(Parameter.vector(path + ".bias", outputs));
    }
  }
}
