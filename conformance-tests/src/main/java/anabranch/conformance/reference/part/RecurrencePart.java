package anabranch.conformance.reference.part;

import static anabranch.conformance.reference.part.Arithmetic.activate;
import static anabranch.conformance.reference.part.Arithmetic.project;
import static anabranch.conformance.reference.part.Arithmetic.softplus;

import anabranch.model.layer.Activation;
import anabranch.model.layer.Recurrence;
import java.util.Arrays;

/** A recurrence with its weights, for one row after the other. */
public final class RecurrencePart {
  private final Recurrence recurrence;
  private final double[][] in; // [2 * inner, width]
  private final double[][] convolution; // [inner, convolution], the newest row last
  private final double[] convolutionBias; // [inner]
  private final double[][] project; // [rank + 2 * states, inner]
  private final double[][] step; // [inner, rank]
  private final double[] stepBias; // [inner]
  private final double[][] a; // [inner, states]
  private final double[] d; // [inner]
  private final double[][] out; // [width, inner]

  /** Reads the weights under {@code path}. */
  public RecurrencePart(Recurrence recurrence, String path, Parameters parameters) {
    this.recurrence = recurrence;
    in = parameters.matrix(path + ".in.weight");
    convolution = parameters.matrix(path + ".convolution.weight");
    convolutionBias = parameters.vector(path + ".convolution.bias");
    project = parameters.matrix(path + ".project.weight");
    step = parameters.matrix(path + ".step.weight");
    stepBias = parameters.vector(path + ".step.bias");
    a = parameters.matrix(path + ".a");
    d = parameters.vector(path + ".d");
    out = parameters.matrix(path + ".out.weight");
  }

  /**
   * Rule A9: takes one row in and returns its result, {@code [width]}.
   *
   * @param x what the operation reads, {@code [width]}
   * @param state {@code [kept]}, changed: the last inputs of the convolution, {@code [inner,
   *     convolution - 1]}, then the states, {@code [inner, states]}
   */
  public double[] next(double[] x, double[] state) {
    int inner = recurrence.inner();
    int states = recurrence.states();
    int rank = recurrence.rank();
    int first = inner * (recurrence.convolution() - 1);
    double[] uz = project(in, null, x); // u, then z
    double[] u = convolve(Arrays.copyOf(uz, inner), state); // [inner]
    double[] tbc = project(project, null, u); // t [rank], B [states], C [states]
    double[] dt = project(step, stepBias, Arrays.copyOf(tbc, rank)); // [inner]
    double[] y = new double[inner];
    for (int i = 0; i < inner; i++) {
      double size = softplus(dt[i]);
      for (int s = 0; s < states; s++) {
        int at = first + i * states + s;
        double decay = Math.exp(size * -Math.exp(a[i][s]));
        state[at] = decay * state[at] + size * tbc[rank + s] * u[i];
        y[i] += tbc[rank + states + s] * state[at];
      }
      y[i] += d[i] * u[i];
      y[i] *= activate(Activation.SILU, uz[inner + i]);
    }
    return project(out, null, y);
  }

  /** Returns {@code silu(conv(u))} of the newest input and those kept, which move on by one. */
  private double[] convolve(double[] u, double[] state) {
    int kept = recurrence.convolution() - 1;
    double[] result = new double[u.length];
    for (int i = 0; i < u.length; i++) {
      double sum = convolutionBias[i] + convolution[i][kept] * u[i];
      for (int back = 0; back < kept; back++) {
        sum += convolution[i][back] * state[i * kept + back];
      }
      for (int back = 0; back < kept; back++) {
        state[i * kept + back] = back + 1 < kept ? state[i * kept + back + 1] : u[i];
      }
      result[i] = activate(Activation.SILU, sum);
    }
    return result;
  }
}
