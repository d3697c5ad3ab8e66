package anabranch.onnx.joined;

import anabranch.onnx.Graphs;
import anabranch.onnx.OnnxOptions;
import anabranch.onnx.PlanConformance;

/** The kit on few large graphs, routing included, where decisions may be taken in a graph. */
class LargeConformanceTest extends PlanConformance {
  LargeConformanceTest() {
    super(OnnxOptions.defaults().withGraphs(Graphs.LARGE));
  }
}
