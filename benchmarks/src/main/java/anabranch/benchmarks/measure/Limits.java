package anabranch.benchmarks.measure;

import anabranch.onnx.graph.Graph;
import anabranch.onnx.memory.BufferPool;
import anabranch.onnx.session.Call;
import anabranch.onnx.session.NativeRuntime;
import anabranch.onnx.session.Opener;
import anabranch.onnx.session.Session;
import anabranch.weights.DType;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What this machine can do on one core, found out by trying: the bounds to read other figures
 * against. Everything is made once and kept, so that probing again within a run is quick. Confined
 * to one thread.
 */
public final class Limits implements AutoCloseable {
  private static final int ROUNDS = 5;
  private static final int DEEP = 4096;
  private static final int ROWS = 1024;
  private static final int SQUARE = 1024;
  private static final int NEAR = 4096;
  private static final int CHAIN = 8;
  private static final int REPEAT = 2000;

  private final int readFloats;
  private final FloatBuffer far;
  private final float[] farOnHeap;
  private final float[] near = new float[NEAR];
  private final Session sum;
  private final Session product;
  private final Session vector;
  private final FloatBuffer small;
  private final FloatBuffer one = BufferPool.direct(1);
  private final FloatBuffer rows = BufferPool.direct(ROWS * SQUARE);
  private final FloatBuffer results = BufferPool.direct(ROWS * SQUARE);

  /**
   * What was seen at one time.
   *
   * @param fma GFLOP/s of multiply-adds on numbers that stay in the nearest cache
   * @param gemm GFLOP/s of a product of large matrices by the runtime
   * @param readByLoop GB/s of a plain sum
   * @param readBySum GB/s of the runtime's sum
   * @param readByProduct GB/s of the runtime's product of one row with a matrix
   */
  public record Seen(
      double fma, double gemm, double readByLoop, double readBySum, double readByProduct) {
    /** Returns the best GB/s that memory was read with. */
    public double read() {
      return Math.max(readByLoop, Math.max(readBySum, readByProduct));
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "one core: FMA %.0f GFLOP/s, runtime's products %.0f GFLOP/s; memory read at %.1f GB/s "
              + "(loop %.1f, runtime's sum %.1f, runtime's product with one row %.1f)",
          fma,
          gemm,
          read(),
          readByLoop,
          readBySum,
          readByProduct);
    }
  }

  /** Makes what the probes of 512 MB need, about 2 GB. */
  public Limits() {
    this(512);
  }

  /** Makes what probes of so much memory need, four times as much. */
  public Limits(int megabytes) {
    readFloats = megabytes << 18;
    small = BufferPool.direct(readFloats / DEEP);
    ByteBuffer bytes = ByteBuffer.allocateDirect(4 * readFloats).order(ByteOrder.LITTLE_ENDIAN);
    far = bytes.asFloatBuffer();
    farOnHeap = new float[readFloats];
    sum = open(sumGraph());
    Tensor matrix = new Tensor("w", DType.F32, List.of(readFloats / DEEP, DEEP), bytes);
    vector = open(productGraph(readFloats / DEEP, DEEP), matrix);
    Tensor square = MemoryWeights.tensor("w", List.of(SQUARE, SQUARE), new float[SQUARE * SQUARE]);
    product = open(productGraph(SQUARE, SQUARE), square);
  }

  private static Session open(Graph graph, Tensor... weights) {
    MemoryWeights all = MemoryWeights.of(List.of(weights));
    return new Opener(all, NativeRuntime.get(1), Session.CPU, 1).open(graph);
  }

  private Graph sumGraph() {
    Graph graph = new Graph("sum");
    String x = graph.input("x", readFloats);
    String y = graph.node("ReduceSum", Map.of("keepdims", 1), x, graph.integers(0));
    graph.output("y", y, 1);
    return graph;
  }

  private static Graph productGraph(int out, int in) {
    Graph graph = new Graph("product");
    String x = graph.input("x", -1, in);
    String y = graph.node("Gemm", Map.of("transB", 1), x, graph.weight("w", out, in));
    graph.output("y", y, -1, out);
    return graph;
  }

  /** Tries once more. */
  public Seen probe() {
    float[] sink = new float[1];
    try (Call summed = sum.call().in("x", far, 0, readFloats).out("y", one, 0, 1);
        Call squared =
            product.call().in("x", rows, 0, ROWS, SQUARE).out("y", results, 0, ROWS, SQUARE);
        Call single =
            vector.call().in("x", rows, 0, 1, DEEP).out("y", small, 0, 1, readFloats / DEEP)) {
      Map<String, Contest.Times> times =
          new Contest()
              .side("fma", () -> multiply(near))
              .side("gemm", squared::run)
              .side("loop", () -> sink[0] += add(farOnHeap))
              .side("sum", summed::run)
              .side("product", single::run)
              .run(2, ROUNDS);
      double bytes = 4.0 * readFloats;
      if (sink[0] != 0 || one.get(0) != 0) {
        throw new AssertionError("the sum of nothing is " + sink[0]);
      }
      return new Seen(
          2.0 * NEAR * CHAIN * REPEAT / best(times.get("fma")),
          2.0 * ROWS * SQUARE * SQUARE / best(times.get("gemm")),
          bytes / best(times.get("loop")),
          bytes / best(times.get("sum")),
          bytes / best(times.get("product")));
    }
  }

  private static double best(Contest.Times times) {
    long least = Long.MAX_VALUE;
    for (long each : times.busy()) {
      least = Math.min(least, each);
    }
    return least;
  }

  private static void multiply(float[] numbers) {
    for (int i = 0; i < REPEAT; i++) {
      multiplyOnce(numbers, 0.5f, 0.25f);
    }
  }

  /** Eight dependent multiply-adds a number, so that loads and stores cost nothing. */
  private static void multiplyOnce(float[] x, float a, float b) {
    for (int i = 0; i < x.length; i++) {
      float y = x[i];
      y = Math.fma(Math.fma(Math.fma(Math.fma(y, a, b), a, b), a, b), a, b);
      y = Math.fma(Math.fma(Math.fma(Math.fma(y, a, b), a, b), a, b), a, b);
      x[i] = y;
    }
  }

  /** Touches every line of the cache a few times: more would make the sum the limit. */
  private static float add(float[] numbers) {
    float a = 0;
    float b = 0;
    float c = 0;
    float d = 0;
    for (int i = 0; i < numbers.length; i += 16) {
      a += numbers[i];
      b += numbers[i + 4];
      c += numbers[i + 8];
      d += numbers[i + 12];
    }
    return a + b + c + d;
  }

  @Override
  public void close() {
    sum.close();
    product.close();
    vector.close();
  }
}
