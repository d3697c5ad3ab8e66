package anabranch.onnx;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.conformance.BackendConformance;

/** The kit on experts together, bits included: its cases are small enough for one graph to run. */
class OnnxTogetherConformanceTest extends BackendConformance {
  @Override
  public Backend backend() {
    return new OnnxBackend();
  }

  @Override
  public LoadOptions options() {
    return OnnxOptions.defaults().withExperts(Experts.TOGETHER).into(LoadOptions.defaults());
  }
}
