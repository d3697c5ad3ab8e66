package anabranch.checkpoint.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import anabranch.error.WeightsException;
import anabranch.weights.DType;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

class MadeTest {
  /** Two times three times four numbers, 0 to 23. */
  private static final Tensor CUBE = cube();

  @Test
  void slicesTakeWhatNumPyTakes() {
    View all = View.of(CUBE);
    equal(
        all.slice(List.of(one(1))), List.of(3, 4), 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23);
    equal(all.slice(List.of(one(1), run(1, 3, 1), one(2))), List.of(2), 18, 22);
    equal(all.slice(List.of(one(0), run(0, null, 2), run(1, null, 2))), List.of(2, 2), 1, 3, 9, 11);
    equal(all.slice(List.of(run(0, 1, 1), one(2))), List.of(1, 4), 8, 9, 10, 11);
  }

  @Test
  void transposesExchangeTheLastTwoExtents() {
    View matrix = View.of(CUBE).slice(List.of(one(0))).transposed();
    equal(matrix, List.of(4, 3), 0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11);
    equal(matrix.slice(List.of(run(1, 3, 1))), List.of(2, 3), 1, 5, 9, 2, 6, 10);
  }

  @Test
  void halvesStayHalvesWhenTheyAreRearranged() {
    ByteBuffer bytes = ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
    Tensor halves = new Tensor("h", DType.F16, List.of(2, 2), bytes);
    Tensor turned = View.of(halves).transposed().as("t");
    assertEquals(DType.F16, turned.type());
    byte[] found = new byte[8];
    turned.bytes().get(found);
    assertArrayEquals(new byte[] {1, 2, 5, 6, 3, 4, 7, 8}, found);
  }

  @Test
  void whatDoesNotFitIsRefused() {
    View all = View.of(CUBE);
    for (View.Slice slice : List.of(one(2), run(0, 3, 1), run(1, 1, 1), run(-1, 1, 1))) {
      assertThrows(IllegalArgumentException.class, () -> all.slice(List.of(slice)));
    }
    View vector = all.slice(List.of(one(0), one(0)));
    assertThrows(IllegalArgumentException.class, vector::transposed);
    assertThrows(
        IllegalArgumentException.class, () -> vector.slice(List.of(run(0, 1, 1), run(0, 1, 1))));
    assertThrows(IllegalArgumentException.class, () -> new Made.Sum(List.of(vector, all)));
    assertThrows(
        IllegalArgumentException.class, () -> new Made.Diagonals(List.of(2, 3), List.of(1f)));
    Made large = new Made.Fill(List.of(1 << 20, 1 << 20), 0);
    String said = assertThrows(WeightsException.class, () -> large.as("t")).getMessage();
    assertEquals(
        "tensor \"t\" [1048576, 1048576] needs more than 2147483647 bytes, the most of one tensor",
        said);
  }

  @Test
  void sumsRepeatTheSmallerShape() {
    View matrix = View.of(CUBE).slice(List.of(one(1), run(0, 2, 1)));
    View vector = View.of(CUBE).slice(List.of(one(0), one(1)));
    Made sum = new Made.Sum(List.of(matrix, vector));
    assertArrayEquals(new float[] {16, 18, 20, 22, 20, 22, 24, 26}, numbers(sum.as("s")));
  }

  @Test
  void diagonalsStandSideBySideOrBelowEachOther() {
    assertArrayEquals(
        new float[] {1, 0, -1, 0, 0, 1, 0, -1},
        numbers(new Made.Diagonals(List.of(2, 4), List.of(1f, -1f)).as("d")));
    assertArrayEquals(
        new float[] {-1, 0, 0, -1, 1, 0, 0, 1},
        numbers(new Made.Diagonals(List.of(4, 2), List.of(-1f, 1f)).as("d")));
  }

  @Test
  void drawsAreThoseOfPython() {
    assertArrayEquals(
        new float[] {1, 0, 4, 3, 3, 2, 1, 1, 6, 0, 0, 1, 3, 3, 0, 3, 6, 3, 7, 4},
        numbers(new Made.Draws(List.of(20), 42, 8).as("d")));
    assertArrayEquals(
        new float[] {331, 970, 154, 404, 666, 49, 74, 840},
        numbers(new Made.Draws(List.of(8), 7, 1000).as("d")));
  }

  private static View.Slice one(int index) {
    return new View.Slice(index, null, 0);
  }

  private static View.Slice run(int from, Integer to, int step) {
    return new View.Slice(from, to, step);
  }

  private static void equal(View view, List<Integer> shape, float... expected) {
    Tensor tensor = view.as("v");
    assertEquals(shape, tensor.shape());
    assertArrayEquals(expected, numbers(tensor));
  }

  private static float[] numbers(Tensor tensor) {
    FloatBuffer into = FloatBuffer.allocate((int) tensor.elements());
    tensor.copyTo(into);
    return into.array();
  }

  private static Tensor cube() {
    float[] numbers = new float[24];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = i;
    }
    return MemoryWeights.tensor("cube", List.of(2, 3, 4), numbers);
  }
}
