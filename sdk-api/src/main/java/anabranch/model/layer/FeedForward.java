package anabranch.model.layer;

import anabranch.error.Bounds;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A feed-forward network: {@code down(act(up(x)))}, or gated {@code down(act(gate(x)) * up(x))}
 * (Shazeer, GLU Variants).
 *
 * @param inner length between the two projections, at least 1
 * @param activation the non-linearity
 * @param gated whether a second projection multiplies
 * @param bias whether the projections add a bias
 * @param limit makes a gated network {@code down(act(min(g, limit)) * (1 + clamp(u, -limit,
 *     limit)))} with g, u for gate(x), up(x) (gpt-oss, with 7 and {@code QUICK_GELU}); above 0;
 *     null for none
 */
public record FeedForward(
    int inner, Activation activation, boolean gated, boolean bias, @Nullable Double limit)
    implements Operation {
  /** Checks the bounds. */
  public FeedForward {
    Bounds.atLeast("feedForward.inner", inner, 1);
    if (limit != null) {
      Bounds.positive("feedForward.limit", limit);
      Bounds.require(gated, "feedForward.limit " + limit + " needs a gated network");
    }
  }

  /** Creates a network without limit. */
  public FeedForward(int inner, Activation activation, boolean gated, boolean bias) {
    this(inner, activation, gated, bias, null);
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
    return new FeedForward(inner, activation, gated, true, limit);
  }

  /** Returns this gated network with a limit. */
  public FeedForward withLimit(double most) {
    return new FeedForward(inner, activation, gated, bias, most);
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
