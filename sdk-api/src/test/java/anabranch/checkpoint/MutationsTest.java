package anabranch.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.checkpoint.formula.Json;
import anabranch.error.DescriptionException;
import anabranch.error.WeightsException;
import anabranch.weights.Safetensors;
import anabranch.weights.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damaged files are refused in our words, or mean what they say. */
class MutationsTest {
  private static final String[] WORDS = {
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "99999999999999999999",
    "0.5",
    "\"F16\"",
    "\"I64\"",
    "../",
    "\"x\"",
    "\u0000",
    "2147483648",
    "\ud83c\udf0a"
  };

  @TempDir Path folder;

  @Test
  void damagedHeadersAreRefusedOrGiveTheRightNumbers() throws IOException {
    Sample sample = Sample.of("acm");
    Path file = sample.in(folder).resolve("model.safetensors");
    byte[] whole = Files.readAllBytes(file);
    int header = 8 + (int) ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN).getLong();
    Map<String, float[]> right = numbers();
    SplittableRandom random = new SplittableRandom(1);
    int refused = 0;
    for (int round = 0; round < 2000; round++) {
      byte[] text = Arrays.copyOfRange(whole, 8, header);
      byte[] damaged = random.nextInt(4) == 0 ? flipped(text, random) : worded(text, random);
      ByteBuffer bytes = ByteBuffer.allocate(8 + damaged.length + whole.length - header);
      bytes.order(ByteOrder.LITTLE_ENDIAN).putLong(damaged.length).put(damaged);
      Files.write(file, bytes.put(whole, header, whole.length - header).array());
      refused += same(right) ? 0 : 1;
    }
    assertTrue(refused > 1500 && refused < 2000, refused + " refused");
  }

  @Test
  void damagedIndexesAreRefusedOrGiveTheRightNumbers() throws IOException {
    Path index = sharded(Sample.of("hash_layer"), folder);
    byte[] whole = Files.readAllBytes(index);
    Map<String, float[]> right = numbers();
    SplittableRandom random = new SplittableRandom(2);
    int refused = 0;
    for (int round = 0; round < 1500; round++) {
      Files.write(index, random.nextInt(4) == 0 ? flipped(whole, random) : worded(whole, random));
      refused += same(right) ? 0 : 1;
    }
    assertTrue(refused > 1000 && refused < 1500, refused + " refused");
  }

  @Test
  void damagedConfigurationsAreRefusedOrDescribeAModelThatFits() throws IOException {
    SplittableRandom random = new SplittableRandom(3);
    int refused = 0;
    for (String family : List.of("acm", "hash_layer", "gpt_oss", "glm4_moe", "dbrx")) {
      Path config = Sample.of(family).in(folder).resolve("config.json");
      byte[] whole = Files.readAllBytes(config);
      for (int round = 0; round < 300; round++) {
        Files.write(config, random.nextBoolean() ? flipped(whole, random) : worded(whole, random));
        refused += fits() ? 0 : 1;
      }
    }
    assertTrue(refused > 750 && refused < 1500, refused + " refused");
  }

  private boolean same(Map<String, float[]> right) {
    try {
      Map<String, float[]> found = numbers();
      assertEquals(right.keySet(), found.keySet());
      right.forEach((name, numbers) -> assertArrayEquals(numbers, found.get(name), name));
      return true;
    } catch (WeightsException | DescriptionException refused) {
      return false;
    }
  }

  private boolean fits() {
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      checkpoint.weights().requireFit(checkpoint.spec());
      checkpoint.weights().names().forEach(name -> checkpoint.weights().tensor(name));
      return true;
    } catch (WeightsException | DescriptionException refused) {
      return false;
    }
  }

  private Map<String, float[]> numbers() {
    Map<String, float[]> numbers = new TreeMap<>();
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      for (String name : checkpoint.weights().names()) {
        numbers.put(name, Sample.numbers(checkpoint.weights().tensor(name)));
      }
    }
    return numbers;
  }

  /** Writes a sample with its tensors in two files by turns, and returns the index. */
  static Path sharded(Sample sample, Path folder) {
    Sample.config(folder, sample.config());
    List<Tensor> tensors = sample.tensors();
    Map<String, Object> map = new TreeMap<>();
    for (int shard = 0; shard < 2; shard++) {
      String name = "model-0000" + (shard + 1) + "-of-00002.safetensors";
      int rest = shard;
      List<Tensor> some =
          tensors.stream().filter(each -> tensors.indexOf(each) % 2 == rest).toList();
      some.forEach(each -> map.put(each.name(), name));
      Safetensors.write(folder.resolve(name), some);
    }
    Path index = folder.resolve("model.safetensors.index.json");
    Sample.write(index, Json.text(Map.of("metadata", Map.of("total_size", 1), "weight_map", map)));
    return index;
  }

  private static byte[] flipped(byte[] text, SplittableRandom random) {
    byte[] copy = text.clone();
    for (int i = random.nextInt(1, 4); i > 0; i--) {
      copy[random.nextInt(copy.length)] = (byte) random.nextInt(256);
    }
    return copy;
  }

  /** Puts words into a text, or into the place of some of it. */
  private static byte[] worded(byte[] text, SplittableRandom random) {
    StringBuilder into = new StringBuilder(new String(text, StandardCharsets.UTF_8));
    for (int i = random.nextInt(1, 3); i > 0; i--) {
      int at = random.nextInt(into.length());
      int end = Math.min(into.length(), at + random.nextInt(3));
      boolean digits = Character.isDigit(into.charAt(at)) && random.nextBoolean();
      String word = digits ? "" + random.nextInt(10) : WORDS[random.nextInt(WORDS.length)];
      into.replace(at, digits ? at + 1 : end, word);
    }
    return into.toString().getBytes(StandardCharsets.UTF_8);
  }
}
