package anabranch.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.error.WeightsException;
import anabranch.weights.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShardsTest {
  private static final String FIRST = "model-00001-of-00002.safetensors";
  private static final String SECOND = "model-00002-of-00002.safetensors";

  @TempDir Path folder;
  private final Sample sample = Sample.of("acm");
  private Path index;
  private String text;

  @BeforeEach
  void write() throws IOException {
    index = MutationsTest.sharded(sample, folder);
    text = Files.readString(index);
  }

  @Test
  void manyFilesAreReadLikeOne(@TempDir Path other) {
    try (Checkpoint many = Checkpoint.open(folder);
        Checkpoint one = Checkpoint.open(sample.in(other))) {
      assertEquals(one.spec(), many.spec());
      for (String name : one.weights().names()) {
        assertArrayEquals(
            Sample.numbers(one.weights().tensor(name)),
            Sample.numbers(many.weights().tensor(name)));
      }
    }
  }

  @Test
  void namesThatLeaveTheFolderAreRefused() {
    for (String name :
        new String[] {"../x.safetensors", "/etc/passwd", "a/b", "..", ".hidden", "a\\\\b", ""}) {
      Sample.write(index, text.replaceFirst(FIRST, name.replace("\\", "\\\\")));
      refused("which is no name of a file in the folder");
    }
  }

  @Test
  void aTensorInTwoFilesIsRefused() {
    Safetensors.write(folder.resolve(SECOND), sample.tensors());
    refused("\", which the index puts into \"" + FIRST + "\"");
  }

  @Test
  void aTensorThatTheIndexDoesNotKnowIsRefused() {
    Sample.write(index, text.replaceFirst("\"b1\":\"[^\"]*\",", ""));
    refused("has tensor \"b1\", which the index puts nowhere");
  }

  @Test
  void aTensorThatIsNotInItsFileIsRefused() {
    Sample.write(index, text.replaceFirst("\"b1\"", "\"zeta\":\"" + FIRST + "\",\"b1\""));
    refused("tensor \"zeta\" is not in \"" + FIRST + "\"");
  }

  @Test
  void aNameTwiceIsRefused() {
    Sample.write(index, text.replaceFirst("\"b1\"", "\"b1\":\"" + FIRST + "\",\"b1\""));
    refused("is not valid JSON");
  }

  @Test
  void aMissingFileIsNamed() throws IOException {
    Files.delete(folder.resolve(SECOND));
    refused(SECOND + ": there is no such file");
  }

  @Test
  void oneFileAndAnIndexAreTooMuchAndNeitherIsTooLittle() throws IOException {
    sample.in(folder);
    refused("has both model.safetensors and model.safetensors.index.json");
    Files.delete(folder.resolve("model.safetensors"));
    Files.delete(index);
    refused("has neither model.safetensors and model.safetensors.index.json");
  }

  private void refused(String part) {
    WeightsException refusal =
        assertThrows(WeightsException.class, () -> Checkpoint.open(folder).close());
    assertTrue(String.valueOf(refusal.getMessage()).contains(part), refusal.getMessage());
  }
}
