package anabranch.onnx;

class OnnxBrainConformanceTest extends TypeConformance {
  OnnxBrainConformanceTest() {
    super(Precision.BF16);
  }
}
