package anabranch.weights;

import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.error.WeightsException;
import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Seeded damage to a valid file: it is refused or read, and costs no more memory than its size. */
class SafetensorsFuzzTest {
  private static final int ROUNDS = 8_000;
  private static final long MOST_ALLOCATED = 1 << 20;

  private static final String HEADER =
      "{\"__metadata__\":{\"format\":\"pt\"},"
          + "\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"
          + "\"b\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[16,22]},"
          + "\"c\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[22,24]}}";

  private static final String[] WORDS = {
    "0", "-1", "9", "1e9", "2147483647", "4294967296", "9223372036854775807", "[", "]", "[[[[", "{",
    "}", ",", ":", "\"", "\\", "null", "true", "\"F64\"", "\"BF16\"", "\"a\"", "\"__metadata__\"",
    "\"shape\"", " ", "\u0000", "\ud83c\udf0a"
  };

  @TempDir Path folder;

  @Test
  void damagedFilesAreRefusedOrRead() {
    SplittableRandom random = new SplittableRandom(2026);
    ThreadMXBean memory = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    int read = 0;
    int refused = 0;
    open(Handmade.in(folder, Handmade.file(HEADER, new byte[24])));
    for (int round = 0; round < ROUNDS; round++) {
      byte[] file = damaged(random);
      Path path = Handmade.in(folder, file);
      long before = memory.getCurrentThreadAllocatedBytes();
      boolean opened = open(path);
      long allocated = memory.getCurrentThreadAllocatedBytes() - before;
      assertTrue(
          allocated < MOST_ALLOCATED, () -> allocated + " bytes for " + Arrays.toString(file));
      read += opened ? 1 : 0;
      refused += opened ? 0 : 1;
    }
    assertTrue(read > ROUNDS / 100, read + " files read");
    assertTrue(refused > ROUNDS / 2, refused + " files refused");
  }

  private static boolean open(Path path) {
    try (Safetensors weights = Safetensors.open(path)) {
      for (String name : weights.names()) {
        Numbers.of(weights.tensor(name));
      }
      return true;
    } catch (WeightsException refusal) {
      return false;
    }
  }

  private static byte[] damaged(SplittableRandom random) {
    return switch (random.nextInt(4)) {
      case 0 -> {
        byte[] file = Handmade.file(HEADER, new byte[24]);
        for (int i = random.nextInt(1, 4); i > 0; i--) {
          file[random.nextInt(file.length)] = (byte) random.nextInt(256);
        }
        yield file;
      }
      case 1 -> {
        byte[] file = Handmade.file(HEADER, new byte[24]);
        ByteBuffer.wrap(file)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(0, random.nextLong() >>> random.nextInt(64));
        yield file;
      }
      case 2 -> {
        byte[] file = Handmade.file(HEADER, new byte[24]);
        yield Arrays.copyOf(file, random.nextInt(2 * file.length));
      }
      default -> Handmade.file(withWords(random), new byte[24]);
    };
  }

  /** The header with some of its characters replaced by words, or words put between them. */
  private static String withWords(SplittableRandom random) {
    StringBuilder header = new StringBuilder(HEADER);
    for (int i = random.nextInt(1, 4); i > 0; i--) {
      int at = random.nextInt(header.length());
      header.replace(at, at + random.nextInt(2), WORDS[random.nextInt(WORDS.length)]);
    }
    return header.toString();
  }
}
