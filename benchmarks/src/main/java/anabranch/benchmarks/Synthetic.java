package anabranch.benchmarks;

import anabranch.weights.DType;
import anabranch.weights.Safetensors;
import anabranch.weights.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A published-looking checkpoint of random numbers, a file for each layer. Confined to one thread.
 */
final class Synthetic {
  private static final int WIDTH = 1024;
  private static final int INNER = 2048;
  private static final int EXPERTS = 8;
  private static final int VOCABULARY = 1024;
  private static final int POOL = 64 << 20;

  private final Path folder;
  private final DType type;
  private final ByteBuffer pool = ByteBuffer.allocateDirect(POOL).order(ByteOrder.LITTLE_ENDIAN);
  private final SplittableRandom random = new SplittableRandom(1);
  private final Map<String, String> index = new TreeMap<>();
  private List<Tensor> shard = new ArrayList<>();
  private long bytes;

  private Synthetic(Path folder, DType type) {
    this.folder = folder;
    this.type = type;
    while (pool.remaining() >= type.bytes()) {
      float number = (float) (random.nextDouble() - 0.5) / 16;
      if (type == DType.F32) {
        pool.putFloat(number);
      } else {
        pool.putShort((short) (Float.floatToRawIntBits(number) >>> 16));
      }
    }
  }

  /**
   * Writes a checkpoint of the family mixtral.
   *
   * @param megabytes about how large all files are
   * @param type fp32 or bf16
   */
  static void write(Path folder, int megabytes, DType type) {
    long layer = (long) type.bytes() * WIDTH * (3 * EXPERTS * INNER + 3 * WIDTH);
    int layers = Math.max(1, (int) (((long) megabytes << 20) / layer));
    try {
      new Synthetic(folder, type).write(layers);
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }

  private void write(int layers) throws IOException {
    add("model.embed_tokens.weight", VOCABULARY, WIDTH);
    add("lm_head.weight", VOCABULARY, WIDTH);
    add("model.norm.weight", WIDTH);
    flush(0);
    for (int layer = 0; layer < layers; layer++) {
      String at = "model.layers." + layer + ".";
      add(at + "input_layernorm.weight", WIDTH);
      add(at + "post_attention_layernorm.weight", WIDTH);
      add(at + "self_attn.q_proj.weight", WIDTH, WIDTH);
      add(at + "self_attn.k_proj.weight", WIDTH / 2, WIDTH);
      add(at + "self_attn.v_proj.weight", WIDTH / 2, WIDTH);
      add(at + "self_attn.o_proj.weight", WIDTH, WIDTH);
      add(at + "block_sparse_moe.gate.weight", EXPERTS, WIDTH);
      for (int expert = 0; expert < EXPERTS; expert++) {
        String network = at + "block_sparse_moe.experts." + expert + ".";
        add(network + "w1.weight", INNER, WIDTH);
        add(network + "w2.weight", WIDTH, INNER);
        add(network + "w3.weight", INNER, WIDTH);
      }
      flush(layer + 1);
    }
    String map =
        index.entrySet().stream()
            .map(each -> "\"" + each.getKey() + "\": \"" + each.getValue() + "\"")
            .collect(Collectors.joining(", "));
    Files.writeString(
        folder.resolve("model.safetensors.index.json"),
        "{\"metadata\": {\"total_size\": " + bytes + "}, \"weight_map\": {" + map + "}}");
    Files.writeString(folder.resolve("config.json"), config(layers));
  }

  private void add(String name, Integer... shape) {
    int size = type.bytes();
    for (int extent : shape) {
      size *= extent;
    }
    int from = 4 * random.nextInt((POOL - size) / 4 + 1);
    shard.add(new Tensor(name, type, List.of(shape), pool.slice(from, size)));
    bytes += size;
  }

  private void flush(int number) {
    String file = "model-" + number + ".safetensors";
    shard.forEach(tensor -> index.put(tensor.name(), file));
    Safetensors.write(folder.resolve(file), shard);
    shard = new ArrayList<>();
  }

  private static String config(int layers) {
    return String.join(
        "\n",
        "{\"architectures\": [\"MixtralForCausalLM\"], \"model_type\": \"mixtral\",",
        "\"hidden_act\": \"silu\", \"hidden_size\": " + WIDTH + ",",
        "\"intermediate_size\": " + INNER + ", \"max_position_embeddings\": 256,",
        "\"num_attention_heads\": 16, \"num_key_value_heads\": 8,",
        "\"num_experts_per_tok\": 2, \"num_local_experts\": " + EXPERTS + ",",
        "\"num_hidden_layers\": " + layers + ", \"rms_norm_eps\": 1e-05,",
        "\"rope_theta\": 10000.0, \"sliding_window\": null,",
        "\"tie_word_embeddings\": false, \"vocab_size\": " + VOCABULARY + "}");
  }

  /** Deletes a folder and what is in it. */
  static void delete(Path folder) {
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    } catch (IOException failed) {
      throw new UncheckedIOException(failed);
    }
  }
}
