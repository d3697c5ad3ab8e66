package anabranch.model.layer;

import anabranch.error.Bounds;
import java.util.function.Consumer;

/**
 * A selective state space (Gu and Dao, Mamba): a short causal convolution, then a linear recurrence
 * whose step, input and output depend on the row.
 *
 * <p>With {@code (u, z) = in(x)}, each of length {@code inner}: {@code u <- silu(conv(u))} over the
 * last {@code convolution} rows, zeros left of the first; {@code (t, B, C) = project(u)} of lengths
 * {@code rank}, {@code states}, {@code states}; {@code dt = softplus(step(t))}; {@code s <- exp(dt
 * * A) * s + dt * B * u} with {@code A = -exp(a)}, for each of the inner channels with its own
 * {@code states} numbers; {@code y = C . s + d * u}; the result is {@code out(y * silu(z))}.
 *
 * @param inner channels, at least 1
 * @param states numbers that each channel keeps, at least 1
 * @param convolution rows that the convolution reads, in 1..64
 * @param rank length of the vector that makes the steps, at least 1
 */
public record Recurrence(int inner, int states, int convolution, int rank) implements Operation {
  /** Checks the bounds. */
  public Recurrence {
    Bounds.within("recurrence.inner", inner, 1, 1 << 20);
    Bounds.within("recurrence.states", states, 1, 1 << 12);
    Bounds.within("recurrence.convolution", convolution, 1, 64);
    Bounds.within("recurrence.rank", rank, 1, 1 << 20);
  }

  /** Returns how many numbers a sequence keeps: the last inputs of the convolution, the states. */
  public int kept() {
    return Math.multiplyExact(inner, convolution - 1 + states);
  }

  @Override
  public void parameters(String path, int width, Consumer<Parameter> into) {
    into.accept(Parameter.matrix(path + ".in.weight", 2 * inner, width));
    into.accept(Parameter.matrix(path + ".convolution.weight", inner, convolution));
    into.accept(Parameter.vector(path + ".convolution.bias", inner));
    into.accept(Parameter.matrix(path + ".project.weight", rank + 2 * states, inner));
    into.accept(Parameter.matrix(path + ".step.weight", inner, rank));
    into.accept(Parameter.vector(path + ".step.bias", inner));
    into.accept(Parameter.matrix(path + ".a", inner, states));
    into.accept(Parameter.vector(path + ".d", inner));
    into.accept(Parameter.matrix(path + ".out.weight", width, inner));
  }

  @Override
  public boolean mixes() {
    return true;
  }

  @Override
  public int remembers() {
    return kept();
  }

  /**
   * A linear memory whose matrices are the same at every row (Voelker et al., Legendre memory
   * units): {@code u = relu(in(x))}, {@code m <- A m + B u}, and the result is {@code relu(out([m;
   * x]))} with the new m, which starts as zeros.
   *
   * @param inputs length of u, at least 1
   * @param states length of m, at least 1
   * @param bias whether {@code in} and {@code out} add one
   */
  public record LinearMemory(int inputs, int states, boolean bias) implements Operation {
    /** Checks the bounds. */
    public LinearMemory {
      Bounds.within("linearMemory.inputs", inputs, 1, 1 << 20);
      Bounds.within("linearMemory.states", states, 1, 1 << 12);
    }

    @Override
    public void parameters(String path, int width, Consumer<Parameter> into) {
      int read = Math.addExact(states, width);
      into.accept(Parameter.matrix(path + ".in.weight", inputs, width));
      if (bias) {
        into.accept(Parameter.vector(path + ".in.bias", inputs));
      }
      into.accept(Parameter.matrix(path + ".a", states, states));
      into.accept(Parameter.matrix(path + ".b", states, inputs));
      into.accept(Parameter.matrix(path + ".out.weight", width, read));
      if (bias) {
        into.accept(Parameter.vector(path + ".out.bias", width));
      }
    }

    @Override
    public boolean mixes() {
      return true;
    }

    @Override
    public int remembers() {
      return states;
    }
  }
}
