package anabranch.conformance.reference.part;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import anabranch.model.layer.Activation;
import anabranch.model.layer.Norm;
import anabranch.weights.MemoryWeights;
import java.util.List;
import org.junit.jupiter.api.Test;

class ArithmeticTest {
  /** Values of erfc to sixteen digits, on both sides of the border between the two formulas. */
  @Test
  void complementaryErrorIsExactOnBothSidesOfItsBorder() {
    relative(1, 0);
    relative(0.4795001221869535, 0.5);
    relative(0.1572992070502851, 1);
    relative(0.004677734981047266, 2);
    relative(2.209049699858544e-5, 3);
    relative(1.537459794428035e-12, 5);
    relative(2 - 0.1572992070502851, -1);
    double below = Arithmetic.complementaryError(Math.nextDown(1.0));
    assertEquals(below, Arithmetic.complementaryError(1), 2e-15);
  }

  private static void relative(double expected, double x) {
    assertEquals(expected, Arithmetic.complementaryError(x), 3e-15 * expected, "erfc of " + x);
  }

  @Test
  void activationsAreThoseOfTheirFormulas() {
    assertEquals(0.8413447460685429, Arithmetic.activate(Activation.GELU, 1), 1e-15);
    assertEquals(-0.15865525393145707, Arithmetic.activate(Activation.GELU, -1), 1e-15);
    assertEquals(0.7310585786300049, Arithmetic.activate(Activation.SILU, 1), 1e-15);
    assertEquals(-0.2384058440442351, Arithmetic.activate(Activation.SILU, -2), 1e-15);
    assertEquals(0, Arithmetic.activate(Activation.RELU, -3));
    assertEquals(3, Arithmetic.activate(Activation.RELU, 3));
    assertEquals(0, Arithmetic.activate(Activation.RELU_SQUARED, -3));
    assertEquals(9, Arithmetic.activate(Activation.RELU_SQUARED, 3));
    double inner = Math.sqrt(2 / Math.PI) * 1.044715;
    assertEquals((1 + Math.tanh(inner)) / 2, Arithmetic.activate(Activation.GELU_TANH, 1), 1e-15);
    assertEquals(0.841191990608, Arithmetic.activate(Activation.GELU_TANH, 1), 1e-12);
    assertEquals(-0.158808009392, Arithmetic.activate(Activation.GELU_TANH, -1), 1e-12);
    assertEquals(2 / (1 + Math.exp(-3.404)), Arithmetic.activate(Activation.QUICK_GELU, 2), 1e-15);
    assertEquals(0.7615941559557649, Arithmetic.activate(Activation.TANH, 1), 1e-15);
  }

  @Test
  void softplusSurvivesLargeNumbers() {
    assertEquals(Math.log(2), Arithmetic.softplus(0), 1e-15);
    assertEquals(1.3132616875182228, Arithmetic.softplus(1), 1e-15);
    assertEquals(1000, Arithmetic.softplus(1000));
    assertEquals(0, Arithmetic.softplus(-1000));
  }

  @Test
  void theBestLabelIsTheLowestOfEquals() {
    assertEquals(1, Arithmetic.argmax(new double[] {0, 2, 2, 1}));
  }

  @Test
  void softmaxSurvivesLargeNumbers() {
    double[] p = Arithmetic.softmax(new double[] {1000, 1000 + Math.log(3)});
    assertArrayEquals(new double[] {0.25, 0.75}, p, 1e-12);
  }

  /** x = (1, 3): mean 2, variance 1; the mean of squares is 5. */
  @Test
  void normsAreThoseOfTheirFormulas() {
    Parameters parameters =
        new Parameters(
            MemoryWeights.of(
                List.of(
                    MemoryWeights.tensor("n.weight", List.of(2), 2, 10),
                    MemoryWeights.tensor("n.bias", List.of(2), 0.5f, 0))));
    double[] x = {1, 3};
    assertArrayEquals(
        new double[] {-2 / Math.sqrt(4) + 0.5, 10 / Math.sqrt(4)},
        new NormPart(new Norm.Layer(3), "n", parameters).of(x),
        1e-15);
    assertArrayEquals(
        new double[] {2 / Math.sqrt(9), 30 / Math.sqrt(9)},
        new NormPart(new Norm.Rms(4), "n", parameters).of(x),
        1e-15);
  }

  /** The multiplier itself for key 1, twice of it for key 2, their upper four bits. */
  @Test
  void bucketsAreTheUpperBitsOfTheProduct() {
    assertEquals(0x9, EmbeddingPart.bucket(1, 16));
    assertEquals(0x3, EmbeddingPart.bucket(2, 16));
    assertEquals(1, EmbeddingPart.bucket(1, 2));
  }
}
