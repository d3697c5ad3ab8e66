package anabranch.onnx;

import anabranch.error.DescriptionException;
import java.util.ArrayList;
import java.util.List;

/** In which numbers the products of a model are computed. */
public enum Precision {
  /** 32-bit floating point throughout. */
  FP32("fp32"),

  /**
   * 8-bit whole numbers in the products of attentions, networks and experts with their weights, on
   * a CPU: each column of a weight and each row that meets it has a scale of its own, so that a
   * row's numbers have the same bits in any batch. The embedding, routers, scores, heads, steps of
   * recurrences, norms and sums stay in {@link #FP32}.
   */
  INT8("int8");

  private final String type;

  Precision(String type) {
    this.type = type;
  }

  /** Returns the value of the setting, which {@link anabranch.backend.Numerics#type} shows too. */
  @Override
  public String toString() {
    return type;
  }

  /** Reads what {@link #toString} writes. */
  static Precision parse(String text) {
    List<String> names = new ArrayList<>();
    for (Precision each : values()) {
      if (each.type.equals(text)) {
        return each;
      }
      names.add(each.type);
    }
    throw new DescriptionException(
        OnnxOptions.PRECISION + " \"" + text + "\" is not one of " + names);
  }
}
