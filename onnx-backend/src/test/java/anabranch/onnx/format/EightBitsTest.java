package anabranch.onnx.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.error.WeightsException;
import anabranch.onnx.graph.Graph;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.NativeRuntime;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Products of 8 bits beside the same arithmetic in plain Java. */
class EightBitsTest {
  private static final int IN = 100;
  private static final int OUT = 37;
  private static final int ROWS = 70;

  @Test
  void eachProductIsTheWholeNumbersOfItsRowAndColumnScaled() {
    float[] x = random(1, ROWS * IN);
    float[] weight = random(2, OUT * IN);
    float[] bias = random(3, OUT);
    float[] y = run(x, weight, bias, ROWS);
    for (int row = 0; row < ROWS; row++) {
      float[] own = Arrays.copyOfRange(x, row * IN, (row + 1) * IN);
      float rowScale = most(own, 0, IN) * (1f / 127);
      for (int o = 0; o < OUT; o++) {
        float scale = most(weight, o * IN, IN) / 64;
        int sum = 0;
        for (int i = 0; i < IN; i++) {
          sum += (int) Math.rint(own[i] / rowScale) * (int) Math.rint(weight[o * IN + i] / scale);
        }
        double expected = (double) sum * scale * rowScale + bias[o];
        assertEquals(expected, y[row * OUT + o], 1e-5 * (1 + Math.abs(expected)));
      }
    }
  }

  /** Where products of two neighbours are added in 16 bits, weights up to 127 would be cut. */
  @Test
  void sumsAreExactWhereAllNumbersAreTheGreatest() {
    float[] x = new float[IN];
    float[] weight = new float[OUT * IN];
    Arrays.fill(x, 2);
    Arrays.fill(weight, 3);
    for (float number : run(x, weight, new float[OUT], 1)) {
      assertEquals(6 * IN, number, 1e-3);
    }
  }

  @Test
  void bitsOfARowAreTheSameInBatchesOfAnySize() {
    float[] x = random(4, ROWS * IN);
    float[] weight = random(5, OUT * IN);
    float[] bias = random(6, OUT);
    float[] all = run(x, weight, bias, ROWS);
    for (int rows : new int[] {1, 2, 3, 4, 5, 7, 8, 16, 33, 64}) {
      float[] some = run(x, weight, bias, rows);
      assertArrayEquals(Arrays.copyOf(all, rows * OUT), some, "batches of " + rows);
    }
  }

  @Test
  void aRowOfZerosGivesTheBiasAndOneThatIsNoNumberStaysNone() {
    float[] x = new float[4 * IN];
    Arrays.fill(x, IN, 4 * IN, 1);
    x[IN + 3] = Float.NaN;
    x[2 * IN + 99] = Float.POSITIVE_INFINITY;
    float[] bias = random(7, OUT);
    float[] y = run(x, random(8, OUT * IN), bias, 4);
    assertArrayEquals(bias, Arrays.copyOf(y, OUT));
    for (int o = 0; o < OUT; o++) {
      assertTrue(Float.isNaN(y[OUT + o]), "of a NaN: " + y[OUT + o]);
      assertTrue(!Float.isFinite(y[2 * OUT + o]), "of an infinity: " + y[2 * OUT + o]);
      assertTrue(Float.isFinite(y[3 * OUT + o]), "of its neighbour: " + y[3 * OUT + o]);
    }
  }

  @Test
  void weightsThatAreNoNumbersAreRefusedWithTheirPlace() {
    float[] weight = random(9, OUT * IN);
    weight[IN + 1] = Float.NaN;
    WeightsException refused =
        assertThrows(WeightsException.class, () -> run(new float[IN], weight, new float[OUT], 1));
    assertEquals("p.weight has NaN at 101, which 8 bits cannot say", refused.getMessage());
  }

  private static float most(float[] values, int from, int count) {
    float most = 0;
    for (int i = from; i < from + count; i++) {
      most = Math.max(most, Math.abs(values[i]));
    }
    return most;
  }

  private static float[] random(long seed, int count) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextDouble(-2, 2);
    }
    return values;
  }

  private static float[] run(float[] x, float[] weight, float[] bias, int rows) {
    Graph graph = new Graph("product");
    String in = graph.input("x", -1, IN);
    String p = graph.weight("p.weight", OUT, IN);
    graph.output("y", graph.product(in, IN, p, graph.weight("p.bias", OUT)), -1, OUT);
    List<Tensor> weights =
        List.of(
            MemoryWeights.tensor("p.weight", List.of(OUT, IN), weight),
            MemoryWeights.tensor("p.bias", List.of(OUT), bias));
    NativeRuntime runtime = NativeRuntime.get(1);
    Opener opener = new Opener(MemoryWeights.of(weights), runtime, Session.CPU, 1, Products.INT8);
    FloatBuffer from = BufferPool.direct(rows * IN);
    FloatBuffer to = BufferPool.direct(rows * OUT);
    from.put(0, x, 0, rows * IN);
    try (Session session = opener.open(graph);
        Call call = session.call()) {
      call.in("x", from, 0, rows, IN).out("y", to, 0, rows, OUT).run();
    }
    float[] y = new float[rows * OUT];
    to.get(0, y);
    return y;
  }
}
