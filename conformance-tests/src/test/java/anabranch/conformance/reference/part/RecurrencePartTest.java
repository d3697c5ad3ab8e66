package anabranch.conformance.reference.part;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.conformance.reference.Paper;
import anabranch.model.layer.Parameter;
import anabranch.model.layer.Recurrence;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The recurrence against a loop over all rows at once, written another way. */
class RecurrencePartTest {
  /**
   * One channel, one state, a convolution of one row, everything 1 or 0: with x = (u, z) = (2, 3),
   * silu(2 * 1 + 0) = c; t = B = C = c; dt = softplus(c); s = dt * c * c; y = (c * s + c) *
   * silu(3).
   */
  @Test
  void oneRowIsTheFormula() {
    Recurrence shape = new Recurrence(1, 1, 1, 1);
    RecurrencePart part =
        part(
            shape,
            2,
            Map.of(
                "r.in.weight", Paper.values(1, 0, 0, 1),
                "r.convolution.weight", Paper.values(1),
                "r.project.weight", Paper.values(1, 1, 1),
                "r.step.weight", Paper.values(1),
                "r.d", Paper.values(1),
                "r.out.weight", Paper.values(1, 0)));
    double c = 2 / (1 + Math.exp(-2));
    double s = Math.log(1 + Math.exp(c)) * c * c;
    double silu = 3 / (1 + Math.exp(-3));
    double[] state = new double[shape.kept()];
    assertArrayEquals(
        new double[] {(c * s + c) * silu, 0}, part.next(new double[] {2, 3}, state), 1e-12);
    assertArrayEquals(new double[] {s}, state, 1e-12);
  }

  @Test
  void rowsOneByOneEqualALoopOverAllOfThem() {
    int inner = 2;
    int states = 3;
    int window = 3;
    int rank = 2;
    Recurrence shape = new Recurrence(inner, states, window, rank);
    List<Parameter> needed = new ArrayList<>();
    shape.parameters("r", 2, needed::add);
    Map<String, float[]> weights = new java.util.HashMap<>();
    int seed = 0;
    for (Parameter parameter : needed) {
      float[] numbers = new float[(int) parameter.elements()];
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = (float) Math.sin(1.7 * ++seed);
      }
      weights.put(parameter.name(), numbers);
    }
    RecurrencePart part = part(shape, 2, weights);
    double[][] x = {{1, -1}, {0.5, 2}, {-2, 0.25}, {1.5, 1}, {0, -0.75}};
    double[][] expected = loop(x, weights, inner, states, window, rank);
    double[] state = new double[shape.kept()];
    assertEquals(inner * (window - 1 + states), state.length);
    for (int t = 0; t < x.length; t++) {
      assertArrayEquals(expected[t], part.next(x[t], state), 1e-12, "row " + t);
    }
  }

  private static double[][] loop(
      double[][] x, Map<String, float[]> w, int inner, int states, int window, int rank) {
    int rows = x.length;
    double[][] out = new double[rows][2];
    for (int channel = 0; channel < inner; channel++) {
      double[] s = new double[states];
      for (int t = 0; t < rows; t++) {
        double dt = w.get("r.step.bias")[channel];
        for (int r = 0; r < rank; r++) {
          dt += w.get("r.step.weight")[channel * rank + r] * projected(x, t, r, w, inner, window);
        }
        dt = Math.log(1 + Math.exp(dt));
        double u = convolved(x, t, channel, w, window);
        double y = w.get("r.d")[channel] * u;
        for (int n = 0; n < states; n++) {
          double a = -Math.exp(w.get("r.a")[channel * states + n]);
          double b = projected(x, t, rank + n, w, inner, window);
          s[n] = Math.exp(dt * a) * s[n] + dt * b * u;
          y += projected(x, t, rank + states + n, w, inner, window) * s[n];
        }
        double z = in(x, t, inner + channel, w);
        y *= z / (1 + Math.exp(-z));
        for (int o = 0; o < 2; o++) {
          out[t][o] += w.get("r.out.weight")[o * inner + channel] * y;
        }
      }
    }
    return out;
  }

  private static double projected(
      double[][] x, int t, int row, Map<String, float[]> w, int inner, int window) {
    double sum = 0;
    for (int channel = 0; channel < inner; channel++) {
      sum += w.get("r.project.weight")[row * inner + channel] * convolved(x, t, channel, w, window);
    }
    return sum;
  }

  private static double convolved(
      double[][] x, int t, int channel, Map<String, float[]> w, int window) {
    double sum = w.get("r.convolution.bias")[channel];
    for (int k = 0; k < window; k++) {
      int from = t - window + 1 + k;
      sum +=
          from < 0
              ? 0
              : w.get("r.convolution.weight")[channel * window + k] * in(x, from, channel, w);
    }
    return sum / (1 + Math.exp(-sum));
  }

  private static double in(double[][] x, int t, int row, Map<String, float[]> w) {
    return w.get("r.in.weight")[row * 2] * x[t][0] + w.get("r.in.weight")[row * 2 + 1] * x[t][1];
  }

  private static RecurrencePart part(Recurrence shape, int width, Map<String, float[]> weights) {
    List<Parameter> needed = new ArrayList<>();
    shape.parameters("r", width, needed::add);
    return new RecurrencePart(shape, "r", Paper.parameters(needed, weights));
  }
}
