package anabranch.onnx.member;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.conformance.BackendConformance;
import anabranch.onnx.Experts;
import anabranch.onnx.OnnxBackend;
import anabranch.onnx.OnnxOptions;

/** The kit on experts together, bits included: its cases are small enough for one graph to run. */
class TogetherConformanceTest extends BackendConformance {
  @Override
  public Backend backend() {
    return new OnnxBackend();
  }

  /** Half as many: the descriptions are those that run in fp32 on small graphs as well. */
  @Override
  public int cases() {
    return 12;
  }

  @Override
  public LoadOptions options() {
    return OnnxOptions.defaults().withExperts(Experts.TOGETHER).into(LoadOptions.defaults());
  }
}
