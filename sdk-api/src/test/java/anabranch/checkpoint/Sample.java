package anabranch.checkpoint;

import anabranch.checkpoint.formula.Json;
import anabranch.weights.MemoryWeights;
import anabranch.weights.Safetensors;
import anabranch.weights.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A published configuration with random tensors of the published names and shapes.
 *
 * @param family the family it belongs to, and the name of its file
 */
record Sample(
    String family, Map<String, @Nullable Object> config, Map<String, List<Integer>> shapes) {
  private static final Pattern COUNTS = Pattern.compile("\\{([0-9,-]+)\\}");

  static Sample of(String family) {
    try (InputStream in = Sample.class.getResourceAsStream("/checkpoints/" + family + ".json")) {
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      Map<String, @Nullable Object> file = Json.object(family, text);
      Map<String, List<Integer>> shapes = new LinkedHashMap<>();
      Json.map(file.get("tensors"))
          .forEach(
              (pattern, shape) -> {
                List<Integer> extents = new ArrayList<>();
                Json.list(shape).forEach(extent -> extents.add(((Long) extent).intValue()));
                names(pattern).forEach(name -> shapes.put(name, extents));
              });
      return new Sample(family, Json.map(file.get("config")), shapes);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  /** Writes the sample into a folder and returns the folder. */
  Path in(Path folder) {
    config(folder, config);
    Safetensors.write(folder.resolve("model.safetensors"), tensors());
    return folder;
  }

  /** Returns random tensors, the same each time. */
  List<Tensor> tensors() {
    SplittableRandom random = new SplittableRandom(7);
    List<Tensor> tensors = new ArrayList<>();
    shapes.forEach(
        (name, shape) -> {
          float[] numbers = new float[shape.stream().reduce(1, (a, b) -> a * b)];
          for (int i = 0; i < numbers.length; i++) {
            numbers[i] = (float) random.nextDouble(-1, 1);
          }
          tensors.add(MemoryWeights.tensor(name, shape, numbers));
        });
    return tensors;
  }

  /** Returns the sample with one field changed, added or, by null, set to null. */
  Sample with(String field, @Nullable Object value) {
    Map<String, @Nullable Object> changed = new LinkedHashMap<>(config);
    changed.put(field, value);
    return new Sample(family, changed, shapes);
  }

  /** Returns the sample without a tensor. */
  Sample without(String tensor) {
    Map<String, List<Integer>> fewer = new LinkedHashMap<>(shapes);
    fewer.remove(tensor);
    return new Sample(family, config, fewer);
  }

  /** Returns the sample with one tensor of another shape, or one more. */
  Sample shaped(String tensor, List<Integer> shape) {
    Map<String, List<Integer>> changed = new LinkedHashMap<>(shapes);
    changed.put(tensor, shape);
    return new Sample(family, config, changed);
  }

  static void config(Path folder, Map<String, @Nullable Object> config) {
    write(folder.resolve("config.json"), Json.text(config));
  }

  static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  static float[] numbers(Tensor tensor) {
    FloatBuffer into = FloatBuffer.allocate((int) tensor.elements());
    tensor.copyTo(into);
    return into.array();
  }

  private static List<String> names(String pattern) {
    Matcher counts = COUNTS.matcher(pattern);
    if (!counts.find()) {
      return List.of(pattern);
    }
    List<String> all = new ArrayList<>();
    for (String each : counts.group(1).split(",")) {
      String[] ends = each.split("-");
      int last = Integer.parseInt(ends[ends.length - 1]);
      for (int i = Integer.parseInt(ends[0]); i <= last; i++) {
        String one = pattern.substring(0, counts.start()) + i + pattern.substring(counts.end());
        all.addAll(names(one));
      }
    }
    return all;
  }
}
