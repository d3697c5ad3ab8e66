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
import java.util.Iterator;
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
  private final Map<String, Held> held = new HashMap<>(8);
  private int turn;
  private int named;
  private boolean large;

  /** A tensor that stands for a part of a buffer, and the turn in which it was last named. */
  private static final class Held {
    private final OnnxTensor tensor;
    private final Buffer buffer;
    private final int offset;
    private final long[] shape;
    private int turn;

    Held(OnnxTensor tensor, Buffer buffer, int offset, long[] shape) {
      this.tensor = tensor;
      this.buffer = buffer;
      this.offset = offset;
      this.shape = shape;
    }

    boolean is(Buffer other, int from, int rows, int width) {
      return buffer == other
          && offset == from
          && shape.length == 2
          && shape[0] == rows
          && shape[1] == width;
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
   * Runs the graph.
   *
   * @throws IllegalStateException if ONNX Runtime fails
   */
  public void run() {
    if (named < held.size()) {
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
    return held.size();
  }

  /** Lets go of everything. */
  void free() {
    held.values().forEach(each -> each.tensor.close());
    held.clear();
    inputs.clear();
    outputs.clear();
  }

  private Call name(
      Map<String, OnnxTensor> among, String name, Buffer buffer, int offset, int rows, int width) {
    Held before = held.get(name);
    return before != null && before.is(buffer, offset, rows, width)
        ? again(before)
        : name(among, name, buffer, offset, new long[] {rows, width});
  }

  private Call name(
      Map<String, OnnxTensor> among, String name, Buffer buffer, int offset, long[] shape) {
    Held before = held.get(name);
    if (before == null || !before.is(buffer, offset, shape)) {
      long numbers = 1;
      for (long extent : shape) {
        numbers *= extent;
      }
      OnnxTensor tensor = tensor(buffer, offset, Math.toIntExact(numbers), shape);
      if (before != null) {
        before.tensor.close();
        named -= before.turn == turn ? 1 : 0;
      }
      before = new Held(tensor, buffer, offset, shape);
      before.turn = turn - 1;
      large |= buffer.capacity() > KEPT_NUMBERS;
      held.put(name, before);
      among.put(name, tensor);
    }
    return again(before);
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
    for (Iterator<Map.Entry<String, Held>> each = held.entrySet().iterator(); each.hasNext(); ) {
      Map.Entry<String, Held> entry = each.next();
      Held one = entry.getValue();
      if (allLarge ? one.buffer.capacity() > KEPT_NUMBERS : one.turn != turn) {
        each.remove();
        inputs.remove(entry.getKey());
        outputs.remove(entry.getKey());
        one.tensor.close();
      }
    }
  }
}
