package anabranch.onnx.session;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.Buffer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * One call of a graph on slices of direct buffers in native order: nothing is copied on the way in,
 * and results are written where they belong. Confined to one thread.
 *
 * <p>A session hands out the same call again. It keeps the tensors of small buffers, so that a call
 * like the last one makes none; those of large ones it lets go, and with them the buffers.
 */
public final class Call implements AutoCloseable {
  private static final int KEPT_NUMBERS = 1 << 14;

  private final Session session;
  private final OrtEnvironment environment;
  private final OrtSession graph;
  private final Map<String, OnnxTensor> inputs = new HashMap<>(8);
  private final Map<String, OnnxTensor> outputs = new HashMap<>(8);

  /** All that there are, in any order: a few, which are found by looking at each. */
  private Held[] held = new Held[4];

  private int count;
  private int turn;
  private int named;
  private boolean large;

  /** A tensor that stands for a part of a buffer, and the turn in which it was last named. */
  private static final class Held {
    private final String name;
    private final OnnxTensor tensor;
    private final Buffer buffer;
    private final int offset;
    private final long[] shape;

    /** The extents of vectors, here as well: what lies elsewhere has left the caches. */
    private final long rows;

    private final long width;
    private int turn;

    Held(String name, OnnxTensor tensor, Buffer buffer, int offset, long[] shape, int turn) {
      this.name = name;
      this.tensor = tensor;
      this.buffer = buffer;
      this.offset = offset;
      this.shape = shape;
      this.turn = turn;
      rows = shape.length == 2 ? shape[0] : -1;
      width = shape.length == 2 ? shape[1] : -1;
    }

    boolean is(Buffer other, int from, int first, int last) {
      return buffer == other && offset == from && rows == first && width == last;
    }

    boolean is(Buffer other, int from, long[] extents) {
      return buffer == other && offset == from && Arrays.equals(shape, extents);
    }
  }

  Call(Session session, OrtEnvironment environment, OrtSession graph) {
    this.session = session;
    this.environment = environment;
    this.graph = graph;
  }

  /** Names an input: as many numbers from {@code offset} on as the shape says. */
  public Call in(String input, FloatBuffer buffer, int offset, long... shape) {
    return name(inputs, input, buffer, offset, shape);
  }

  /** Names an input of so many vectors; makes nothing where it is the last call's. */
  public Call in(String input, FloatBuffer buffer, int offset, int rows, int width) {
    return name(inputs, input, buffer, offset, rows, width);
  }

  /** Names an input of integers: as many from the start as the shape says. */
  public Call in(String input, LongBuffer buffer, long... shape) {
    return name(inputs, input, buffer, 0, shape);
  }

  /** Names an output and where it is written. */
  public Call out(String output, FloatBuffer buffer, int offset, long... shape) {
    return name(outputs, output, buffer, offset, shape);
  }

  /** Names an output of so many vectors; makes nothing where it is the last call's. */
  public Call out(String output, FloatBuffer buffer, int offset, int rows, int width) {
    return name(outputs, output, buffer, offset, rows, width);
  }

  /**
   * Says where results between products are written, one behind the other, so that the runtime does
   * not ask for that memory: where an allocator gives much of it back to the system each time, its
   * pages are missing again in the next call.
   *
   * @param room for {@link Session#between} numbers of each row
   */
  public Call place(FloatBuffer room, int rows) {
    int at = 0;
    for (Map.Entry<String, Integer> each : session.placed().entrySet()) {
      out(each.getKey(), room, at, rows, each.getValue());
      at += rows * each.getValue();
    }
    return this;
  }

  /**
   * Runs the graph.
   *
   * @throws IllegalStateException if ONNX Runtime fails
   */
  public void run() {
    if (named < count) {
      letGo(false);
    }
    try (OrtSession.Result ignored = graph.run(inputs, outputs)) {
      return;
    } catch (OrtException failed) {
      throw new IllegalStateException(
          "graph \"" + session.name() + "\" failed: " + failed.getMessage(), failed);
    }
  }

  /** Gives this call back; nobody may use it afterwards. */
  @Override
  public void close() {
    if (large) {
      letGo(true);
      large = false;
    }
    turn++;
    named = 0;
    session.back(this);
  }

  /** Returns how many tensors there are, named in this turn or not. */
  int kept() {
    return count;
  }

  /** Lets go of everything. */
  void free() {
    while (count > 0) {
      held[--count].tensor.close();
    }
    inputs.clear();
    outputs.clear();
  }

  private Call name(
      Map<String, OnnxTensor> among, String name, Buffer buffer, int offset, int rows, int width) {
    int at = find(name);
    return at < count && held[at].is(buffer, offset, rows, width)
        ? again(held[at])
        : make(among, at, name, buffer, offset, new long[] {rows, width});
  }

  private Call name(
      Map<String, OnnxTensor> among, String name, Buffer buffer, int offset, long[] shape) {
    int at = find(name);
    return at < count && held[at].is(buffer, offset, shape)
        ? again(held[at])
        : make(among, at, name, buffer, offset, shape);
  }

  /** Returns where the tensor of that name is; behind the last if there is none. */
  private int find(String name) {
    int at = 0;
    while (at < count && !held[at].name.equals(name)) {
      at++;
    }
    return at;
  }

  /** Makes a tensor, in place of the one of that name where there is one. */
  private Call make(
      Map<String, OnnxTensor> among, int at, String name, Buffer buffer, int offset, long[] shape) {
    long numbers = 1;
    for (long extent : shape) {
      numbers *= extent;
    }
    OnnxTensor tensor = tensor(buffer, offset, Math.toIntExact(numbers), shape);
    if (at < count) {
      named -= held[at].turn == turn ? 1 : 0;
      held[at].tensor.close();
    } else if (count++ == held.length) {
      held = Arrays.copyOf(held, 2 * at);
    }
    held[at] = new Held(name, tensor, buffer, offset, shape, turn - 1);
    large |= buffer.capacity() > KEPT_NUMBERS;
    among.put(name, tensor);
    return again(held[at]);
  }

  private Call again(Held tensor) {
    named += tensor.turn == turn ? 0 : 1;
    tensor.turn = turn;
    return this;
  }

  private OnnxTensor tensor(Buffer buffer, int offset, int numbers, long[] shape) {
    try {
      return buffer instanceof FloatBuffer floats
          ? OnnxTensor.createTensor(environment, floats.slice(offset, numbers), shape)
          : OnnxTensor.createTensor(
              environment, ((LongBuffer) buffer).slice(offset, numbers), shape);
    } catch (OrtException failed) {
      throw new IllegalStateException(
          "graph \"" + session.name() + "\": " + failed.getMessage(), failed);
    }
  }

  /** Lets go of what this turn did not name, or of all that is large. */
  private void letGo(boolean allLarge) {
    int kept = 0;
    for (int at = 0; at < count; at++) {
      Held one = held[at];
      if (allLarge ? one.buffer.capacity() > KEPT_NUMBERS : one.turn != turn) {
        inputs.remove(one.name);
        outputs.remove(one.name);
        one.tensor.close();
      } else {
        held[kept++] = one;
      }
    }
    Arrays.fill(held, kept, count, null);
    count = kept;
  }
}
