package anabranch.onnx.joined;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.conformance.BackendConformance;
import anabranch.onnx.Graphs;
import anabranch.onnx.OnnxBackend;
import anabranch.onnx.OnnxOptions;

/** The kit on few large graphs, routing included, where decisions may be taken in a graph. */
class LargeConformanceTest extends BackendConformance {
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
    return OnnxOptions.defaults().withGraphs(Graphs.LARGE).into(LoadOptions.defaults());
  }
}
