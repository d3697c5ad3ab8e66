package anabranch.onnx;

import java.util.SplittableRandom;

/** Here a step depends on the greatest number of a column. */
class OnnxEightBitConformanceTest extends TypeConformance {
  private static final float STEPS = 64;

  OnnxEightBitConformanceTest() {
    super(Precision.INT8, 0.5 / STEPS);
  }

  @Override
  void move(float[] values, int in, SplittableRandom random) {
    for (int from = 0; from < values.length; from += in) {
      float most = 0;
      for (int i = from; i < from + in; i++) {
        most = Math.max(most, Math.abs(values[i]));
      }
      for (int i = from; i < from + in; i++) {
        values[i] += (random.nextBoolean() ? 0.5f : -0.5f) * most / STEPS;
      }
    }
  }
}
