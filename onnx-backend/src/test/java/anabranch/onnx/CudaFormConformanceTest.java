package anabranch.onnx;

import anabranch.backend.Backend;
import anabranch.backend.LoadOptions;
import anabranch.onnx.graph.Kernels;

/** The kit on large graphs in fp16 as they are written for CUDA; a CPU runs them. */
class CudaFormConformanceTest extends TypeConformance {
  CudaFormConformanceTest() {
    super(Precision.FP16, 0x1p-11);
  }

  @Override
  public Backend backend() {
    return new OnnxBackend(Kernels.CUDA);
  }

  @Override
  public LoadOptions options() {
    return super.options().with("onnx.graphs", "large");
  }

  /**
   * A third: the descriptions are those of other tests, and only how graphs are written differs.
   */
  @Override
  public int cases() {
    return 4;
  }
}
