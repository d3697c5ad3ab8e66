package anabranch.model;

import anabranch.error.Bounds;
import java.util.function.Consumer;

/**
 * A feed-forward network: {@code down(act(up(x)))}, or gated {@code down(act(gate(x)) * up(x))}
 * (Shazeer, GLU Variants).
 *
 * @param inner length between the two projections, at least 1
 * @param activation the non-linearity
 * @param gated whether a second projection multiplies
 * @param bias whether the projections add a bias
 */
public record FeedForward(int inner, Activation activation, boolean gated, boolean bias)
    implements Operation {
  /** Checks the bounds. */
  public FeedForward {
    Bounds.atLeast("feedForward.inner", inner, 1);
  }

  /** Returns an ungated network without bias. */
  public static FeedForward plain(int inner, Activation activation) {
    return new FeedForward(inner, activation, false, false);
  }

  /** Returns a gated network without bias. */
  public static FeedForward gated(int inner, Activation activation) {
    return new FeedForward(inner, activation, true, false);
  }

  /** Returns this network with biases. */
  public FeedForward withBias() {
    return new FeedForward(inner, activation, gated, true);
  }

  @Override
  public void parameters(String path, int width, Consumer<Parameter> into) {
    if (gated) {
      project(path + ".gate", inner, width, into);
    }
    project(path + ".up", inner, width, into);
    project(path + ".down", width, inner, into);
  }

  private void project(String path, int out, int in, Consumer<Parameter> into) {
    into.accept(Parameter.matrix(path + ".weight", out, in));
    if (bias) {
      into.accept(Parameter.vector(path + ".bias", out));
    }
  }

  @Override
  public boolean mixes() {
    return false;
  }
}
