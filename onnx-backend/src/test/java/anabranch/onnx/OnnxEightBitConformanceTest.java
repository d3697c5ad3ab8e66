package anabranch.onnx;

class OnnxEightBitConformanceTest extends TypeConformance {
  OnnxEightBitConformanceTest() {
    super(Precision.INT8);
  }
}
