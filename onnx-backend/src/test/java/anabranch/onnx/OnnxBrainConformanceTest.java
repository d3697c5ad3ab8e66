package anabranch.onnx;

class OnnxBrainConformanceTest extends TypeConformance {
  OnnxBrainConformanceTest() {
    super(Precision.BF16, 0x1p-8);
  }
}
