package anabranch.conformance.reference;

import anabranch.backend.Backend;
import anabranch.conformance.BackendConformance;

class ReferenceConformanceTest extends BackendConformance {
  @Override
  public Backend backend() {
    return new ReferenceBackend();
  }
}
