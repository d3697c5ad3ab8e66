package anabranch.onnx;

class OnnxHalfConformanceTest extends TypeConformance {
  OnnxHalfConformanceTest() {
    super(Precision.FP16);
  }
}
