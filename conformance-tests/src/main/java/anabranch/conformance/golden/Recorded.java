package anabranch.conformance.golden;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;

/**
 * A small model that comes with the kit, and what a reference implementation answered with its
 * weights. Files are read as resources, also out of a jar, and lie in a folder while in use.
 */
public enum Recorded {
  /** Rows that run the first few blocks of a network. */
  ACM_MLP("adaptive_computation_modules 6760ad64"),
  /** Short vectors in place of keys and values, experts in groups, decoding. */
  DEEPSEEK_V3("transformers 4.56.0.dev0"),
  /** Router bias, sinks, clamped gated experts, scaled rotation, windows, decoding. */
  GPT_OSS("transformers 4.56.0.dev0"),
  /** Experts by a table of token ids. */
  HASH_LAYER_FFN("ParlAI's layer"),
  /** Attention that whole sequences skip. */
  MINDSKIP_LLAMA("checkpoint code of Router-Tuning on transformers 4.46.0.dev0"),
  /** Exits by patience, of one item and of a batch. */
  PABEE_BERT("research project of transformers 4.46.0.dev0"),
  /** Middle layers that rows skip by sums of logits. */
  SKIP_MIDDLE("skip-middle 9b21b2df"),
  /** An encoder, capacities that bind, decoding. */
  SWITCH_TRANSFORMERS("transformers 4.56.0.dev0");

  private static final List<String> FILES =
      List.of("config.json", "model.safetensors", "golden.safetensors");

  private final String source;

  Recorded(String source) {
    this.source = source;
  }

  /** Returns its name, which is that of its folder and family. */
  public String title() {
    return name().toLowerCase(java.util.Locale.ROOT);
  }

  /** Returns what it was recorded from. */
  public String source() {
    return source;
  }

  /**
   * Hands a copy of its files to a use, which must have closed what it opened when it returns; the
   * copy is deleted then.
   *
   * @throws UncheckedIOException if there is no room for temporary files
   */
  public <T> T lent(Function<Path, T> use) {
    try {
      Path parent = Files.createTempDirectory("anabranch-recorded");
      Path folder = Files.createDirectory(parent.resolve(title()));
      try {
        for (String file : FILES) {
          copy(file, folder);
        }
        return use.apply(folder);
      } finally {
        for (String file : FILES) {
          Files.deleteIfExists(folder.resolve(file));
        }
        Files.delete(folder);
        Files.delete(parent);
      }
    } catch (IOException failed) {
      throw new UncheckedIOException(title() + ": " + failed.getMessage(), failed);
    }
  }

  private void copy(String file, Path folder) throws IOException {
    String resource = "models/" + title() + "/" + file;
    try (InputStream in = Recorded.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IOException(resource + " is not among the resources");
      }
      Files.copy(in, folder.resolve(file));
    }
  }
}
