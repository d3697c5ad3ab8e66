package anabranch.samples.picture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PictureOptionsTest {
  @TempDir Path folder;

  @Test
  void optionsAreTakenOutAndTheRestIsKept() throws IOException {
    String report = folder.resolve("new/a.html").toString();
    PictureOptions options = of("a.txt", "--report", report, "--color", "--curve", "7", "-", "--b");
    assertEquals(List.of("a.txt", "-", "--b"), options.rest());
    assertEquals(Path.of(report), options.report());
    assertEquals(Duration.ofSeconds(7), options.curve());
    assertTrue(options.color());
  }

  @Test
  void aWordOnTheCommandLineBeatsTheEnvironment() throws IOException {
    List<String> arguments = List.of("--color", "--report", folder.resolve("a.html").toString());
    assertTrue(PictureOptions.of(arguments, Map.of("NO_COLOR", "1")).color());
    assertFalse(of("--color", "--no-color").color());
  }

  @Test
  void withoutATerminalThereIsNoColour() throws IOException {
    assertFalse(PictureOptions.isColourful(Map.of("TERM", "xterm"), false));
    assertTrue(PictureOptions.isColourful(Map.of("TERM", "xterm"), true));
    assertFalse(PictureOptions.isColourful(Map.of("TERM", "xterm", "NO_COLOR", "1"), true));
    assertTrue(PictureOptions.isColourful(Map.of("TERM", "xterm", "NO_COLOR", ""), true));
    assertFalse(PictureOptions.isColourful(Map.of("TERM", "dumb"), true));
  }

  @Test
  void whatCannotBeWrittenIsRefusedBeforeTheRun() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "");
    assertRefused("--report \"a.txt\" does not end in .html", "--report", "a.txt");
    assertRefused("--report is not followed by a value", "--report");
    String below = file.resolve("a.html").toString();
    assertRefused("--report \"" + below + "\": no folder can be made there", "--report", below);
    assertRefused("--curve \"x\" is not a number of seconds in 0..3600", "--curve", "x");
    assertRefused("--curve \"3601\" is not a number of seconds in 0..3600", "--curve", "3601");
  }

  private static void assertRefused(String message, String... arguments) {
    IOException refused =
        assertThrows(IOException.class, () -> PictureOptions.of(List.of(arguments), Map.of()));
    assertEquals(message, refused.getMessage());
  }

  private PictureOptions of(String... arguments) throws IOException {
    return PictureOptions.of(List.of(arguments), Map.of());
  }
}
