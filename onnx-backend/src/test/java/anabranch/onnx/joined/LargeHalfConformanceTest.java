package anabranch.onnx.joined;

import anabranch.backend.LoadOptions;
import anabranch.onnx.Precision;
import anabranch.onnx.TypeConformance;

/** The kit on few large graphs in fp16, under the decisions that were taken in them. */
class LargeHalfConformanceTest extends TypeConformance {
  LargeHalfConformanceTest() {
    super(Precision.FP16);
  }

  @Override
  public LoadOptions options() {
    return super.options().with("onnx.graphs", "large");
  }
}
