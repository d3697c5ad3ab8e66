package anabranch.benchmarks.gpu;

import anabranch.weights.DType;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Safetensors;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The grouped kernels of another runtime, in a process of their own. Stateless. */
final class Grouped {
  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final double TOLERANCE = 0.05;
  private static final double TIPPED = 0.02;

  private Grouped() {}

  /**
   * What came of some rows.
   *
   * @param nanos of each round
   * @param logits of the rows
   */
  record Times(long[] nanos, float[] logits) {
    /** Returns whether all numbers but those of a few rows, whose experts may differ, are near. */
    boolean agrees(float[] own) {
      double square = 0;
      for (float each : own) {
        square += (double) each * each / own.length;
      }
      int far = 0;
      for (int i = 0; i < own.length; i++) {
        far += Math.abs(own[i] - logits[i]) <= TOLERANCE * Math.sqrt(square) ? 0 : 1;
      }
      return own.length == logits.length && far <= TIPPED * own.length;
    }
  }

  /** Writes the layer as the script reads it. */
  static void write(Size size, Weights weights, Path file) {
    List<Tensor> tensors = new ArrayList<>();
    for (String part : List.of("gate", "up", "down")) {
      tensors.add(stacked(size, weights, part));
    }
    tensors.add(named("router", weights.tensor("blocks.0.mixture.router.weight")));
    tensors.add(named("head", weights.tensor("head.weight")));
    tensors.add(named("rows", weights.tensor("embedding.tokens")));
    tensors.add(MemoryWeights.tensor("k", List.of(1), new float[] {size.k()}));
    Safetensors.write(file, tensors);
  }

  private static Tensor named(String name, Tensor tensor) {
    return new Tensor(name, tensor.type(), tensor.shape(), tensor.bytes());
  }

  private static Tensor stacked(Size size, Weights weights, String part) {
    List<Tensor> each = new ArrayList<>();
    for (int e = 0; e < size.experts(); e++) {
      each.add(weights.tensor("blocks.0.mixture.experts." + e + "." + part + ".weight"));
    }
    int bytes = each.stream().mapToInt(tensor -> tensor.bytes().remaining()).sum();
    ByteBuffer all = ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    each.forEach(tensor -> all.put(tensor.bytes()));
    List<Integer> shape = new ArrayList<>(List.of(size.experts()));
    shape.addAll(each.get(0).shape());
    return new Tensor(part, DType.BF16, shape, all.flip());
  }

  /** Runs the script; without PyTorch and transformers it says so and nothing is measured. */
  static Map<Integer, Times> run(Gpu gpu, Size size, List<String> python, Path script, Path file)
      throws IOException {
    List<String> command = new ArrayList<>(python);
    command.add(script.toString());
    command.add(file.toString());
    command.add(Integer.toString(gpu.rounds));
    size.rows().forEach(count -> command.add(count.toString()));
    Map<Integer, Times> times = new HashMap<>();
    Process process;
    try {
      process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    } catch (IOException absent) {
      gpu.report.note("gpu.grouped unmeasured: %s", absent.getMessage());
      return times;
    }
    try (BufferedReader lines = process.inputReader()) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        read(gpu, JSON.readTree(line), times);
      }
      int code = process.waitFor();
      if (code != 0) {
        gpu.report.note("gpu.grouped unmeasured: the script ended with %d", code);
        times.clear();
      }
    } catch (JacksonException unreadable) {
      gpu.report.note("gpu.grouped unmeasured: %s", unreadable.getMessage());
      times.clear();
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    } finally {
      process.destroy();
    }
    return times;
  }

  private static void read(Gpu gpu, JsonNode line, Map<Integer, Times> times) {
    if (line.has("missing")) {
      gpu.report.note("gpu.grouped unmeasured: %s", line.get("missing").asString());
    } else if (line.has("device")) {
      gpu.report.note("gpu.grouped ran on %s", line);
    } else {
      long[] nanos = new long[line.get("nanos").size()];
      for (int i = 0; i < nanos.length; i++) {
        nanos[i] = line.get("nanos").get(i).asLong();
      }
      float[] logits = new float[line.get("logits").size()];
      for (int i = 0; i < logits.length; i++) {
        logits[i] = line.get("logits").get(i).floatValue();
      }
      times.put(line.get("rows").asInt(), new Times(nanos, logits));
    }
  }
}
