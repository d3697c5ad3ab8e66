package anabranch.onnx;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.conformance.AnswersChapter;
import anabranch.conformance.PointsChapter;
import anabranch.conformance.RoutingChapter;
import anabranch.onnx.graph.Kernels;

/**
 * What graphs compute, as they are written for CUDA: large, in fp16, with products of that type. A
 * CPU runs them.
 */
class CudaFormConformanceTest implements AnswersChapter, RoutingChapter, PointsChapter {
  private final TypeConformance type = new OnnxHalfConformanceTest();

  @Override
  public Backend backend() {
    return new OnnxBackend(Kernels.CUDA);
  }

  @Override
  public LoadOptions options() {
    return type.options().with("onnx.graphs", "large");
  }

  @Override
  public int cases() {
    return type.cases();
  }
}
