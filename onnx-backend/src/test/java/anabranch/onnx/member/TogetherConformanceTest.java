package anabranch.onnx.member;

import anabranch.onnx.Experts;
import anabranch.onnx.OnnxOptions;
import anabranch.onnx.PlanConformance;

/** The kit on experts together, bits included: its cases are small enough for one graph to run. */
class TogetherConformanceTest extends PlanConformance {
  TogetherConformanceTest() {
    super(OnnxOptions.defaults().withExperts(Experts.TOGETHER));
  }
}
