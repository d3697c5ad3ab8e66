package anabranch.onnx;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.conformance.BackendConformance;

/** The kit on options other than the defaults, whose descriptions run there as well. */
public abstract class PlanConformance extends BackendConformance {
  private final OnnxOptions options;

  /** Takes options. */
  protected PlanConformance(OnnxOptions options) {
    this.options = options;
  }

  @Override
  public Backend backend() {
    return new OnnxBackend();
  }

  @Override
  public LoadOptions options() {
    return options.into(LoadOptions.defaults());
  }

  /** Half as many: the descriptions are those that run in fp32 on small graphs as well. */
  @Override
  public int cases() {
    return 12;
  }
}
