package anabranch.onnx.format;

import anabranch.error.WeightsException;
import anabranch.weights.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Products in whole numbers: each row of a value is divided by its own greatest number and becomes
 * 0..255 around 128, each column of a weight by its own and becomes -64..64. Sums of their products
 * are exact, so the bits of a row are the same in any batch, with any number of threads.
 *
 * <p>Weights stop at 64 because processors without instructions of their own for this add two
 * products in 16 bits and cut what is more: {@code 2 * 255 * 64} is the most that always fits.
 * Confined to one graph being written.
 */
final class EightBits extends Numbers {
  /** The greatest weight. */
  static final int MOST = 64;

  private static final int ZERO = 128;
  private static final float TRACE = 1e-35f;
  private static final String ZERO_POINT = "rows.zero";
  private static final String SHARE = "rows.share";
  private static final String HUGE = "rows.huge";
  private static final String LAST = "rows.last";
  private static final long UINT8 = 2;
  private static final long INT8 = 3;

  private final Map<String, Row> rows = new HashMap<>();
  private final Set<String> notNegative = new HashSet<>();

  /** A value in 8 bits, and the scales of its rows. */
  private record Row(String numbers, String scales) {}

  @Override
  void product(Node product) {
    String value = product.from().get(0);
    String weight = product.from().get(1);
    Row row = rows.computeIfAbsent(value, this::row);
    String to = product.to().get(0);
    boolean bias = product.from().size() > 2;
    String scaled = bias ? to + ".scaled" : to;
    node(
        "com.microsoft.MatMulIntegerToFloat",
        scaled,
        row.numbers,
        weight,
        row.scales,
        scales(weight),
        ZERO_POINT);
    if (bias) {
      node("Add", to, scaled, product.from().get(2));
    }
  }

  /**
   * A scale is a share of the greatest number and a trace of the sum, too little to change a bit of
   * it: of a NaN, the greatest alone says nothing. A row of zeros has the scale 0, by which all
   * sums become zeros whatever its bytes are.
   */
  private Row row(String value) {
    String sizes = notNegative.contains(value) ? value : node("Abs", value + ".sizes", value);
    Map<String, Object> last = Map.of("keepdims", 1);
    String most = node("ReduceMax", value + ".most", last, sizes, LAST);
    String sum = node("ReduceSum", value + ".sum", last, sizes, LAST);
    Map<String, Object> trace = Map.of("beta", TRACE);
    String scales = node("Gemm", value + ".scales", trace, most, SHARE, sum);
    String list = node("Reshape", value + ".list", scales, LAST);
    // What is small beside the greatest number of all becomes the zero point: one for each row.
    String zeros = node("QuantizeLinear", value + ".zeros", list, HUGE, ZERO_POINT);
    Map<String, Object> first = Map.of("axis", 0);
    return new Row(node("QuantizeLinear", value + ".bytes", first, value, list, zeros), scales);
  }

  private String node(String operator, String to, String... from) {
    return node(operator, to, Map.of(), from);
  }

  private String node(String operator, String to, Map<String, Object> attributes, String... from) {
    super.as(new Node(to + ".node", operator, List.of(from), List.of(to), attributes));
    return to;
  }

  @Override
  void as(Node node) {
    super.as(node);
    if (node.operator().equals("Relu")) {
      notNegative.addAll(node.to());
    }
  }

  @Override
  List<Message> constants() {
    if (rows.isEmpty()) {
      return List.of();
    }
    return List.of(
        Constants.constant(ZERO_POINT, UINT8).bytes(9, ByteBuffer.wrap(new byte[] {(byte) ZERO})),
        Constants.constant(SHARE, Constants.FLOAT, 1, 1)
            .bytes(9, Constants.floats(1f / (ZERO - 1))),
        Constants.constant(HUGE, Constants.FLOAT).bytes(9, Constants.floats(Float.MAX_VALUE)),
        Constants.constant(LAST, Constants.INT64, 1)
            .bytes(9, ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(-1).flip()));
  }

  private static String scales(String weight) {
    return weight + ".scales";
  }

  /**
   * Returns a weight of {@code out x in} numbers in 8 bits: {@code in x out} numbers, and a scale
   * for each of {@code out}.
   *
   * @throws WeightsException if a number is not finite
   */
  @Override
  List<Message> factor(Tensor tensor, Store store) {
    int out = tensor.shape().get(0);
    int in = tensor.shape().get(1);
    FloatBuffer numbers = FloatBuffer.allocate(Math.toIntExact(tensor.elements()));
    tensor.copyTo(numbers);
    float[] values = numbers.array();
    byte[] bytes = new byte[values.length];
    float[] scales = new float[out];
    for (int column = 0; column < out; column++) {
      int from = column * in;
      float most = 0;
      for (int i = from; i < from + in; i++) {
        float size = Math.abs(values[i]);
        if (!(size <= Float.MAX_VALUE)) {
          throw new WeightsException(
              tensor.name() + " has " + values[i] + " at " + i + ", which 8 bits cannot say");
        }
        most = Math.max(most, size);
      }
      float scale = most / MOST;
      if (scale < Float.MIN_NORMAL) {
        continue;
      }
      scales[column] = scale;
      for (int i = 0; i < in; i++) {
        bytes[i * out + column] = (byte) Math.rint(values[from + i] / scale);
      }
    }
    Message factors =
        store.with(
            Constants.constant(tensor.name(), INT8, in, out),
            bytes.length,
            () -> ByteBuffer.wrap(bytes),
            into -> into.put(bytes));
    return List.of(
        factors,
        Constants.constant(scales(tensor.name()), Constants.FLOAT, out)
            .bytes(9, Constants.floats(scales)));
  }
}
