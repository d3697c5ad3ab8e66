package anabranch.conformance.reference.part;

import static anabranch.conformance.reference.part.Arithmetic.activate;
import static anabranch.conformance.reference.part.Arithmetic.project;

import anabranch.model.layer.Activation;
import anabranch.model.layer.Recurrence;
import org.jspecify.annotations.Nullable;

/** A linear memory with its weights, for one row after the other. */
public final class LinearMemoryPart {
  private final double[][] in; // [inputs, width]
  private final double @Nullable [] inBias; // [inputs]
  private final double[][] a; // [states, states]
  private final double[][] b; // [states, inputs]
  private final double[][] out; // [width, states + width]
  private final double @Nullable [] outBias; // [width]

  /** Reads the weights under {@code path}. */
  public LinearMemoryPart(Recurrence.LinearMemory memory, String path, Parameters parameters) {
    in = parameters.matrix(path + ".in.weight");
    inBias = memory.bias() ? parameters.vector(path + ".in.bias") : null;
    a = parameters.matrix(path + ".a");
    b = parameters.matrix(path + ".b");
    out = parameters.matrix(path + ".out.weight");
    outBias = memory.bias() ? parameters.vector(path + ".out.bias") : null;
  }

  /**
   * Rule A27: takes one row in and returns its result, {@code [width]}.
   *
   * @param x what the operation reads, {@code [width]}
   * @param state m, {@code [states]}, changed
   */
  public double[] next(double[] x, double[] state) {
    double[] u = relu(project(in, inBias, x)); // [inputs]
    double[] m = project(a, project(b, null, u), state); // [states]
    System.arraycopy(m, 0, state, 0, m.length);
    double[] both = new double[m.length + x.length];
    System.arraycopy(m, 0, both, 0, m.length);
    System.arraycopy(x, 0, both, m.length, x.length);
    return relu(project(out, outBias, both));
  }

  private static double[] relu(double[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] = activate(Activation.RELU, values[i]);
    }
    return values;
  }
}
