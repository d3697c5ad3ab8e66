package anabranch.samples.surprise;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import anabranch.samples.picture.PictureOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ArgumentsTest {
  @TempDir Path folder;

  @Test
  void placesAndNormalTextsAreToldApart() {
    assertEquals(
        new Arguments(List.of("usual.log", "older"), List.of("today.log", "-")),
        Arguments.of("--normal", "usual.log", "today.log", "--normal", "older", "-"));
    assertEquals(new Arguments(List.of(), List.of()), Arguments.of());
  }

  @Test
  void anUnknownOptionIsNamed() {
    assertEquals(
        "option \"--norm\" is unknown; the arguments are " + Arguments.USAGE,
        refused("--norm", "a"));
  }

  @Test
  void anOptionWithoutAValueIsRefused() {
    assertEquals("--normal needs a file or folder behind it", refused("a.log", "--normal"));
    assertTrue(refused("--normal", "-").contains("--normal \"-\" is not a file or folder"));
    assertTrue(refused("--normal", "--normal", "a").contains("\"--normal\" is not a file"));
  }

  @Test
  void aMissingFileIsNamed() {
    String missing = folder.resolve("missing.log").toString();
    for (String[] args : List.of(new String[] {missing}, new String[] {"--normal", missing})) {
      IOException refused =
          assertThrows(IOException.class, () -> Surprise.run(Arguments.of(args), noReport()));
      assertEquals(
          "input \"" + missing + "\" is not a file or folder that can be read",
          refused.getMessage());
    }
  }

  @Test
  void anEmptyNormalFileIsRefused() throws IOException {
    Path empty = Files.writeString(folder.resolve("empty.log"), "\n \n");
    Path input = Files.writeString(folder.resolve("today.log"), "a line\n");
    IOException refused =
        assertThrows(
            IOException.class,
            () ->
                Surprise.run(
                    Arguments.of("--normal", empty.toString(), input.toString()), noReport()));
    assertEquals("--normal " + empty + " has no line to score", refused.getMessage());
  }

  private static String refused(String... args) {
    return assertThrows(IllegalArgumentException.class, () -> Arguments.of(args)).getMessage();
  }

  /** Where a report would go if one were written. */
  private static PictureOptions noReport() throws IOException {
    return PictureOptions.of(List.of("--no-color"), Map.of());
  }
}
