package anabranch.model.layer;

import anabranch.error.Bounds;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One residual step: {@code x <- afterSum(x + m * after(operation(before(x))))}, left out where
 * null. Pre-norm models set {@code before}, post-norm models {@code afterSum}.
 *
 * @param name its name in parameter names, unique in its block
 * @param before norm of the operation's input; the residual stays as it is
 * @param operation what is computed
 * @param after norm of the operation's result
 * @param afterSum norm of the sum
 * @param multiplier m, a factor on what is added to x, above 0; null for 1 (Granite)
 */
public record Sublayer(
    String name,
    @Nullable Norm before,
    Operation operation,
    @Nullable Norm after,
    @Nullable Norm afterSum,
    @Nullable Double multiplier) {
  /** Checks the name and the bound. */
  public Sublayer {
    Bounds.name("sublayer.name", name);
    if (multiplier != null) {
      Bounds.positive("sublayer.multiplier", multiplier);
    }
  }

  /** Creates a step whose result is added as it is. */
  public Sublayer(
      String name,
      @Nullable Norm before,
      Operation operation,
      @Nullable Norm after,
      @Nullable Norm afterSum) {
    this(name, before, operation, after, afterSum, null);
  }

  /** Returns a pre-norm step named after its operation. */
  public static Sublayer preNorm(Norm norm, Operation operation) {
    return new Sublayer(nameOf(operation), norm, operation, null, null);
  }

  /** Returns a post-norm step named after its operation. */
  public static Sublayer postNorm(Operation operation, Norm norm) {
    return new Sublayer(nameOf(operation), null, operation, null, norm);
  }

  /** Returns this step with a factor on what is added. */
  public Sublayer withMultiplier(double factor) {
    return new Sublayer(name, before, operation, after, afterSum, factor);
  }

  /** Returns this step with another operation. */
  public Sublayer with(Operation other) {
    return new Sublayer(name, before, other, after, afterSum, multiplier);
  }

  /** Returns the usual name for an operation: attention, feedForward or mixture. */
  public static String nameOf(Operation operation) {
    String type = operation.getClass().getSimpleName();
    return Character.toLowerCase(type.charAt(0)) + type.substring(1);
  }

  void parameters(String blockPath, int width, Consumer<Parameter> into) {
    String path = blockPath + "." + name;
    if (before != null) {
      before.parameters(path + ".before", width, into);
    }
    operation.parameters(path, width, into);
    if (after != null) {
      after.parameters(path + ".after", width, into);
    }
    if (afterSum != null) {
      afterSum.parameters(path + ".afterSum", width, into);
    }
  }
}
