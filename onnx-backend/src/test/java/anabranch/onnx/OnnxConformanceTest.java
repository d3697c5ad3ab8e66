package anabranch.onnx;

import anabranch.backend.Backend;
import anabranch.conformance.BackendConformance;

class OnnxConformanceTest extends BackendConformance {
  @Override
  public Backend backend() {
    return new OnnxBackend();
  }
}
