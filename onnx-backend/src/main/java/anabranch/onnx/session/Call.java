package anabranch.onnx.session;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * One call of a graph on slices of direct buffers in native order: nothing is copied on the way in,
 * and results are written where they belong. Confined to one thread.
 */
public final class Call implements AutoCloseable {
  private final String name;
  private final OrtEnvironment environment;
  private final OrtSession session;
  private final Map<String, OnnxTensor> inputs = new HashMap<>(8);
  private final Map<String, OnnxTensor> outputs = new HashMap<>(8);

  Call(String name, OrtEnvironment environment, OrtSession session) {
    this.name = name;
    this.environment = environment;
    this.session = session;
  }

  /** Names an input: as many numbers from {@code offset} on as the shape says. */
  public Call in(String input, FloatBuffer buffer, int offset, long... shape) {
    inputs.put(input, tensor(buffer, offset, shape));
    return this;
  }

  /** Names an output and where it is written. */
  public Call out(String output, FloatBuffer buffer, int offset, long... shape) {
    outputs.put(output, tensor(buffer, offset, shape));
    return this;
  }

  /**
   * Runs the graph.
   *
   * @throws IllegalStateException if ONNX Runtime fails
   */
  public void run() {
    try (OrtSession.Result ignored = session.run(inputs, outputs)) {
      return;
    } catch (OrtException failed) {
      throw new IllegalStateException(
          "graph \"" + name + "\" failed: " + failed.getMessage(), failed);
    }
  }

  @Override
  public void close() {
    inputs.values().forEach(OnnxTensor::close);
    outputs.values().forEach(OnnxTensor::close);
    inputs.clear();
    outputs.clear();
  }

  private OnnxTensor tensor(FloatBuffer buffer, int offset, long[] shape) {
    long size = 1;
    for (long extent : shape) {
      size *= extent;
    }
    try {
      return OnnxTensor.createTensor(
          environment, buffer.slice(offset, Math.toIntExact(size)), shape);
    } catch (OrtException failed) {
      throw new IllegalStateException("graph \"" + name + "\": " + failed.getMessage(), failed);
    }
  }
}
