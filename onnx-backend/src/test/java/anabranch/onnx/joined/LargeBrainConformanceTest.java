package anabranch.onnx.joined;

import anabranch.backend.LoadOptions;
import anabranch.onnx.Precision;
import anabranch.onnx.TypeConformance;

/** The kit on few large graphs in bf16, under the decisions that were taken in them. */
class LargeBrainConformanceTest extends TypeConformance {
  LargeBrainConformanceTest() {
    super(Precision.BF16);
  }

  @Override
  public LoadOptions options() {
    return super.options().with("onnx.graphs", "large");
  }
}
