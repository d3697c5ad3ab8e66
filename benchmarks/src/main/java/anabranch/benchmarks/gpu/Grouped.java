package anabranch.benchmarks.gpu;

import anabranch.weights.DType;
import anabranch.weights.Halves;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Safetensors;
import anabranch.weights.Tensor;
import anabranch.weights.Weights;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ShortBuffer;
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
    /**
     * Returns whether what experts add is near, in all numbers but those of a few rows, whose
     * experts may differ. Whole logits would not do: experts are a small part of a row.
     *
     * @param bare the logits of rows without experts
     */
    boolean agrees(float[] own, double[] bare) {
      double square = 0;
      for (int i = 0; i < own.length; i++) {
        square += (own[i] - bare[i]) * (own[i] - bare[i]) / own.length;
      }
      int far = 0;
      for (int i = 0; i < Math.min(own.length, logits.length); i++) {
        far += Math.abs(own[i] - logits[i]) <= TOLERANCE * Math.sqrt(square) ? 0 : 1;
      }
      return own.length == logits.length && far <= TIPPED * own.length;
    }
  }

  /** Returns the logits of so many rows that no expert adds to. */
  static double[] bare(Size size, Weights weights, int count) {
    int width = size.width();
    Tensor head = weights.tensor("head.weight");
    int outputs = head.shape().get(0);
    ShortBuffer of = head.bytes().asShortBuffer();
    ShortBuffer rows = weights.tensor("embedding.tokens").bytes().asShortBuffer();
    double[] logits = new double[count * outputs];
    for (int i = 0; i < logits.length; i++) {
      for (int j = 0; j < width; j++) {
        float row = Halves.fromBf16(rows.get(i / outputs * width + j));
        logits[i] += (double) row * Halves.fromBf16(of.get(i % outputs * width + j));
      }
    }
    return logits;
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
