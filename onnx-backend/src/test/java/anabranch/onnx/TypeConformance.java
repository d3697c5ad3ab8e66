package anabranch.onnx;

import anabranch.backend.LoadOptions;

/**
 * The kit on products of one type, on the device that the system property {@code onnx.device} says
 * and with graphs as {@code onnx.graphs} says: numbers within what is said, and on a CPU the bits
 * of batches as in fp32.
 */
public abstract class TypeConformance extends PlanConformance {
  /** Takes a type. */
  protected TypeConformance(Precision precision) {
    super(
        OnnxOptions.defaults()
            .withDevice(Device.parse(System.getProperty("onnx.device", "cpu")))
            .withPrecision(precision));
  }

  @Override
  public LoadOptions options() {
    return super.options().with("onnx.graphs", System.getProperty("onnx.graphs", "measured"));
  }
}
