package anabranch.onnx.format;

import java.util.Arrays;
import java.util.List;

/**
 * An input or an output of a graph. Immutable.
 *
 * @param type as ONNX counts them
 * @param shape a negative extent is free
 */
public record Value(String name, long type, List<Long> shape) {
  /** Returns one of fp32. */
  public static Value numbers(String name, long... shape) {
    return new Value(name, Constants.FLOAT, Arrays.stream(shape).boxed().toList());
  }

  /** Returns one of integers. */
  public static Value integers(String name, long... shape) {
    return new Value(name, Constants.INT64, Arrays.stream(shape).boxed().toList());
  }

  /**
   * Returns its declaration.
   *
   * @param named whether free extents have a name of their own; else they have that of what they
   *     are computed from, by which the runtime sees that two results fit into one place
   */
  Message message(boolean named) {
    Message dimensions = new Message();
    for (int i = 0; i < shape.size(); i++) {
      long extent = shape.get(i);
      Message dimension = new Message();
      if (extent >= 0) {
        dimension.number(1, extent);
      } else if (named) {
        dimension.text(2, name + "." + i);
      }
      dimensions.message(1, dimension);
    }
    Message tensor = new Message().number(1, type).message(2, dimensions);
    return new Message().text(1, name).message(2, new Message().message(1, tensor));
  }
}
