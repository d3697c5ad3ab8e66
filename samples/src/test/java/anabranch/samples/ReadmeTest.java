package anabranch.samples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the README shows is what the compiler sees and the program says. */
class ReadmeTest {
  private static final Path README = Path.of("../README.md");

  @Test
  void theExampleIsTheProgram() throws IOException {
    String program =
        Files.readString(Path.of("src/main/kotlin/anabranch/samples/Quickstart.kt")).strip();
    String shown = program.substring(program.indexOf("fun main()"));
    assertEquals(shown, block("```kotlin"));
  }

  @Test
  void theExampleSaysWhatTheReadmeSays() throws IOException {
    PrintStream console = System.out;
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    System.setOut(new PrintStream(said, true, StandardCharsets.UTF_8));
    try {
      QuickstartKt.main();
    } finally {
      System.setOut(console);
    }
    assertEquals(block("```text"), said.toString(StandardCharsets.UTF_8).strip());
  }

  @Test
  void theReadmeIsShort() throws IOException {
    assertTrue(Files.readAllLines(README).size() <= 150);
  }

  private static String block(String fence) throws IOException {
    List<String> lines = Files.readAllLines(README);
    int start = lines.indexOf(fence);
    assertTrue(start >= 0, fence + " is not in the README");
    int end = start + 1;
    while (!lines.get(end).equals("```")) {
      end++;
    }
    return String.join("\n", lines.subList(start + 1, end));
  }
}
