package anabranch.peers;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.core.Linear;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * A routed layer in NDArrays of DJL on PyTorch, on one thread. The arguments are a file, the number
 * of rows, their width, that of the experts, how many there are and how many a row sees. The file
 * holds the rows, the router, then of each expert what leads up and what leads down, in fp32 with
 * the lowest byte first.
 *
 * <p>{@code layer ROWS TIMES} runs the layer, {@code floor ROWS TIMES} the experts alone on rows
 * that lie grouped already; the answer is the nanoseconds that passed and those that processors
 * spent on the calling thread, and on all threads. {@code result ROWS FILE} writes the rows and
 * what the layer adds.
 */
public final class Djl {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final NDManager manager = NDManager.newBaseManager("PyTorch");
  private final NDArray rows;
  private final NDArray router;
  private final NDArray[] up;
  private final NDArray[] down;
  private final int width;
  private final int k;

  /** What is prepared for a number of rows. */
  private int prepared;

  private NDArray some;
  private NDArray[] grouped = new NDArray[0];

  private Djl(String[] args) throws IOException {
    width = Integer.parseInt(args[2]);
    int inner = Integer.parseInt(args[3]);
    int experts = Integer.parseInt(args[4]);
    k = Integer.parseInt(args[5]);
    ByteBuffer bytes;
    try (FileChannel file = FileChannel.open(Path.of(args[0]), StandardOpenOption.READ)) {
      bytes = file.map(FileChannel.MapMode.READ_ONLY, 0, file.size());
    }
    FloatBuffer numbers = bytes.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    rows = matrix(numbers, Integer.parseInt(args[1]), width);
    some = rows;
    router = matrix(numbers, experts, width);
    up = new NDArray[experts];
    down = new NDArray[experts];
    for (int e = 0; e < experts; e++) {
      up[e] = matrix(numbers, inner, width);
      down[e] = matrix(numbers, width, inner);
    }
  }

  /** Answers lines. */
  public static void main(String[] args) {
    Talk.run(() -> new Djl(args)::answer);
  }

  private NDArray matrix(FloatBuffer from, int high, int wide) {
    float[] numbers = new float[high * wide];
    from.get(numbers);
    return manager.create(numbers, new Shape(high, wide));
  }

  private String answer(String[] words) throws IOException {
    prepare(Integer.parseInt(words[1]));
    if (words[0].equals("result")) {
      write(Path.of(words[2]));
      return "written";
    }
    Runnable run = words[0].equals("layer") ? this::layer : this::floor;
    long all = Processors.busy();
    long busy = THREADS.getCurrentThreadCpuTime();
    long start = System.nanoTime();
    for (int i = Integer.parseInt(words[2]); i > 0; i--) {
      run.run();
    }
    long elapsed = System.nanoTime() - start;
    long spent = THREADS.getCurrentThreadCpuTime() - busy;
    return elapsed + " " + spent + " " + (Processors.busy() - all);
  }

  private void prepare(int count) {
    if (count == prepared) {
      return;
    }
    prepared = count;
    some = rows.get("0:" + count);
    try (NDManager scope = manager.newSubManager()) {
      Picks picks = new Picks(scope, some, router, k);
      for (NDArray each : grouped) {
        each.close();
      }
      grouped = new NDArray[up.length];
      for (int e = 0; e < up.length; e++) {
        grouped[e] = some.get(scope.create(picks.rows(e)));
        grouped[e].attach(manager);
      }
    }
  }

  private void floor() {
    for (int e = 0; e < up.length; e++) {
      if (grouped[e].getShape().get(0) > 0) {
        try (NDManager scope = manager.newSubManager()) {
          NDArray x = grouped[e].duplicate();
          x.attach(scope);
          expert(e, x);
        }
      }
    }
  }

  private void layer() {
    try (NDManager scope = manager.newSubManager()) {
      computed(scope);
    }
  }

  private NDArray expert(int e, NDArray x) {
    NDArray hidden = Linear.linear(x, up[e]).singletonOrThrow();
    return Linear.linear(Activation.relu(hidden), down[e]).singletonOrThrow();
  }

  /** Computes the layer; what it makes belongs to a scope. */
  private NDArray computed(NDManager scope) {
    NDArray x = some.duplicate();
    x.attach(scope);
    Picks picks = new Picks(scope, x, router, k);
    NDList results = new NDList();
    long[] places = new long[picks.size()];
    int first = 0;
    for (int e = 0; e < up.length; e++) {
      long[] slots = picks.slots(e);
      if (slots.length > 0) {
        for (long slot : slots) {
          places[(int) slot] = first++;
        }
        results.add(expert(e, x.get(scope.create(picks.rows(e)))));
      }
    }
    NDArray all = NDArrays.concat(results);
    NDArray ordered = all.get(scope.create(places)).reshape(-1, k, width);
    return x.add(ordered.mul(picks.weights().expandDims(2)).sum(new int[] {1}));
  }

  private void write(Path file) throws IOException {
    try (NDManager scope = manager.newSubManager()) {
      float[] numbers = computed(scope).toFloatArray();
      ByteBuffer bytes = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(numbers);
      Files.write(file, bytes.array());
    }
  }

  /** Which experts rows see: slot {@code row * k + i} is the one that the row likes i-th best. */
  private record Picks(int k, NDArray weights, long[] experts) {
    Picks(NDManager scope, NDArray x, NDArray router, int k) {
      this(k, best(x, router, k));
    }

    private Picks(int k, NDList best) {
      this(k, best.get(0).softmax(1), best.get(1).toLongArray());
    }

    private static NDList best(NDArray x, NDArray router, int k) {
      return Linear.linear(x, router).singletonOrThrow().topK(k, 1, true, true);
    }

    int size() {
      return experts.length;
    }

    /** Returns the slots of an expert, ascending. */
    long[] slots(int expert) {
      long[] slots = new long[experts.length];
      int count = 0;
      for (int slot = 0; slot < experts.length; slot++) {
        if (experts[slot] == expert) {
          slots[count++] = slot;
        }
      }
      return Arrays.copyOf(slots, count);
    }

    /** Returns the rows of an expert, ascending. */
    long[] rows(int expert) {
      long[] rows = slots(expert);
      for (int i = 0; i < rows.length; i++) {
        rows[i] /= k;
      }
      return rows;
    }
  }
}
