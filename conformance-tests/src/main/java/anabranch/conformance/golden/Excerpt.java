package anabranch.conformance.golden;

import anabranch.weights.Safetensors;
import anabranch.weights.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Copies a recorded model with a part of what was recorded of it: {@code FROM TO PATTERN...} keeps
 * the arrays whose keys match one of the patterns as a whole, without hidden vectors. That is how
 * the recordings that come with the kit were made.
 */
public final class Excerpt {
  private Excerpt() {}

  /** Runs the command. */
  public static void main(String[] arguments) throws IOException {
    if (arguments.length < 3) {
      throw new IllegalArgumentException("say FROM TO PATTERN...");
    }
    List<String> patterns = List.of(arguments).subList(2, arguments.length);
    write(Path.of(arguments[0]), Path.of(arguments[1]), patterns);
  }

  /** Writes an excerpt; the folder need not exist. */
  static void write(Path from, Path to, List<String> patterns) throws IOException {
    Files.createDirectories(to);
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.copy(from.resolve(name), to.resolve(name), StandardCopyOption.REPLACE_EXISTING);
    }
    try (Safetensors all = Safetensors.open(from.resolve("golden.safetensors"))) {
      List<Tensor> kept = new ArrayList<>();
      for (String name : all.names()) {
        if (!name.contains("hidden") && patterns.stream().anyMatch(name::matches)) {
          kept.add(all.tensor(name));
        }
      }
      Safetensors.write(to.resolve("golden.safetensors"), kept);
    }
  }
}
