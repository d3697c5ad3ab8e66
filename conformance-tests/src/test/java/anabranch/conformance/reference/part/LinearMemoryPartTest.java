package anabranch.conformance.reference.part;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import anabranch.conformance.reference.Paper;
import anabranch.model.layer.Parameter;
import anabranch.model.layer.Recurrence.LinearMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The linear memory on numbers that can be followed by hand. */
class LinearMemoryPartTest {
  /** u = relu(x0 - x1), m = (m1 + u, m0), the result (m0 + x1, relu(-m1)). */
  private static final Map<String, float[]> WEIGHTS =
      Map.of(
          "l.in.weight", Paper.values(1, -1),
          "l.a", Paper.values(0, 1, 1, 0),
          "l.b", Paper.values(1, 0),
          "l.out.weight", Paper.values(1, 0, 0, 1, 0, -1, 0, 0));

  @Test
  void theStateIsMixedBeforeItIsRead() {
    LinearMemoryPart part = part(new LinearMemory(1, 2, false), WEIGHTS);
    double[] state = new double[2];
    assertArrayEquals(new double[] {3 + 2, 0}, part.next(new double[] {5, 2}, state));
    assertArrayEquals(new double[] {3, 0}, state);
    // No input: x0 is less than x1.
    assertArrayEquals(new double[] {4, 0}, part.next(new double[] {1, 4}, state));
    assertArrayEquals(new double[] {0, 3}, state);
    assertArrayEquals(new double[] {0, 0}, part.next(new double[] {-9, -7}, state));
    assertArrayEquals(new double[] {3, 0}, state);
  }

  @Test
  void biasesComeBeforeWhatIsCutAtZero() {
    Map<String, float[]> weights = new java.util.HashMap<>(WEIGHTS);
    weights.put("l.in.bias", Paper.values(-4));
    weights.put("l.out.bias", Paper.values(-6, 0.5f));
    LinearMemoryPart part = part(new LinearMemory(1, 2, true), weights);
    double[] state = new double[2];
    assertArrayEquals(new double[] {0, 0.5}, part.next(new double[] {5, 2}, state));
    assertArrayEquals(new double[] {0, 0}, state);
    assertArrayEquals(new double[] {4, 0.5}, part.next(new double[] {14, 0}, state));
    assertArrayEquals(new double[] {10, 0}, state);
  }

  private static LinearMemoryPart part(LinearMemory shape, Map<String, float[]> weights) {
    List<Parameter> needed = new ArrayList<>();
    shape.parameters("l", 2, needed::add);
    return new LinearMemoryPart(shape, "l", Paper.parameters(needed, weights));
  }
}
