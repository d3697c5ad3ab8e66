package anabranch.onnx;

import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * The kit on a CUDA device, in fp32. Run by name: on a CPU this would be {@link
 * OnnxConformanceTest} once more.
 */
@EnabledIfSystemProperty(
    named = "onnx.device",
    matches = "cuda:.*",
    disabledReason = "no CUDA device was asked for with -Donnx.device=cuda:0")
class OnnxCudaConformance extends TypeConformance {
  OnnxCudaConformance() {
    super(Precision.FP32);
  }
}
