package anabranch.onnx;

import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** On a CPU this would be {@link OnnxConformanceTest} once more. */
@EnabledIfSystemProperty(
    named = "onnx.device",
    matches = "cuda:.*",
    disabledReason = "no CUDA device was asked for with -Donnx.device=cuda:0")
class OnnxCudaConformanceTest extends TypeConformance {
  OnnxCudaConformanceTest() {
    super(Precision.FP32, 0x1p-24);
  }
}
