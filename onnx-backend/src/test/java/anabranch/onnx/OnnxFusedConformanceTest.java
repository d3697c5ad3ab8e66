package anabranch.onnx;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.conformance.BackendConformance;

/** The kit on fused experts, where the operator computes those of a description. */
class OnnxFusedConformanceTest extends BackendConformance {
  @Override
  public Backend backend() {
    return new OnnxBackend();
  }

  @Override
  public LoadOptions options() {
    return OnnxOptions.defaults().withExperts(Experts.FUSED).into(LoadOptions.defaults());
  }
}
