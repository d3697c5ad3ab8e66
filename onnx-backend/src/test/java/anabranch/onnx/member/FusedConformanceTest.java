package anabranch.onnx.member;

import anabranch.onnx.Experts;
import anabranch.onnx.OnnxOptions;
import anabranch.onnx.PlanConformance;

/** The kit on fused experts, where the operator computes those of a description. */
class FusedConformanceTest extends PlanConformance {
  FusedConformanceTest() {
    super(OnnxOptions.defaults().withExperts(Experts.FUSED));
  }
}
